/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Packages built from source: Debian's with patches, and own trees (docs/packages.md). Each becomes .debs,
 * built in a sandbox out of layers with its build dependencies; they go into the machine's "local" layer.
 * apt must know what they depend on before it resolves the machine, so they are built first.
 */

#include "deb/deb.h"
#include "deb/lock.h"

struct viv_source_set;

/* All borrowed. */
struct viv_source_request {
	struct viv_store *store;
	struct viv_deb_source source;
	const char *lock_file, *machine; /* each build root is "<machine>#<package>" in the lock file */
	bool locked, renew;
	const json_t *packages; /* packages.fromSource (config/config.h) */
	/* These are kernel modules, and built with the headers of a kernel's package; NULL: there are none. */
	const struct viv_strv *modules;
	const char *kernel_release; /* "6.12.43+deb13-amd64"; NULL: not known yet: none of them can be built */
	const char *kernel_version; /* of the package: "6.12.43-1" */
	int quiet_limit_ms;	/* a build that prints nothing for so long is ended; 0: half an hour */
};
struct viv_source_set *viv_source_set_new(const struct viv_source_request *req);
void viv_source_set_free(struct viv_source_set *s);
VIV_DEFINE_CLEANUP(struct viv_source_set, viv_source_set_free)

/*
 * Whether a name stands for a package from source; its entry then. *ret_name: the package's own name, also
 * where it is another name for one of Debian's and NULL is returned.
 */
const json_t *viv_source_entry(const struct viv_source_set *s, const char *name,
			       const char **ret_name);

/*
 * Builds the package if it is not in the store. Afterwards it is one of the set's. EINTR: as ever. The message
 * begins with the place of the override.
 */
int viv_source_build(struct viv_source_set *s, const char *name, struct viv_report *report,
		     struct viv_error *err);

/* When the machine is resolved: see the request. Borrowed. */
void viv_source_set_kernel(struct viv_source_set *s, const char *release, const char *version);
/* The ids of the archives of one that was built; pushed to *ret. */
void viv_source_archives(const struct viv_source_set *s, const char *name, struct viv_strv *ret);

/*
 * What of the built packages goes into a machine: those with the names asked for (`wanted`), those that
 * replace one of the lock's, and what these need of each other. Depends on others are pushed to
 * *ret_depends. `lock` may be NULL.
 */
void viv_source_depends(struct viv_source_set *s, const struct viv_strv *wanted,
			const struct viv_lock *lock, struct viv_strv *ret_depends);
/* The same packages as a layer on top; for a lock that is not written any more. */
void viv_source_add_layer(struct viv_source_set *s, const struct viv_strv *wanted,
			  struct viv_lock *lock);

/*
 * A kernel, built from Debian's package "linux-source-…" or a tree of the user's, with patches and settings. Its id
 * is known before it is built. What comes out is a .deb as Debian's kernel packages are: boot/vmlinuz-…,
 * boot/config-…, usr/lib/modules/…. The build folder is kept, and with other patches or settings only what these
 * concern is compiled again. All borrowed, for as long as the kernel is there.
 */
struct viv_source_kernel_request {
	const char *place; /* of what asks for it, for messages */
	const char *tree;  /* a git work tree; NULL: Debian's */
	const char *version; /* of Debian's package, "6.12.43-1"; with a tree NULL */
	const json_t *patches; /* [absolute path] */
	const json_t *places;  /* [where each is named] */
	/* What it is configured with, one of these; */
	const char *config_deb;	   /* the id of a kernel package's archive */
	const char *config_target; /* of make: "tinyconfig" */
	const char *config_text;
	/* and over that: */
	const char *settings; /* lines of .config */
	const char *checked;  /* those of them that must come true */
};
struct viv_source_kernel;
void viv_source_kernel_free(struct viv_source_kernel *k);
VIV_DEFINE_CLEANUP(struct viv_source_kernel, viv_source_kernel_free)
/* `req->packages` doesn't count. What it is built in is "<machine>#kernel" in the lock file. */
int viv_source_kernel_plan(const struct viv_source_request *req, const struct viv_source_kernel_request *kernel,
			   struct viv_report *report, struct viv_source_kernel **ret, struct viv_error *err);
const char *viv_source_kernel_id(const struct viv_source_kernel *k); /* borrowed */
/* Builds it if it isn't in the store. *ret is the id of the .deb's archive. EINTR: as ever. */
int viv_source_kernel_build(struct viv_source_kernel *k, struct viv_report *report, char **ret,
			    struct viv_error *err);
