/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Debian packages, from names to layers. apt resolves, verifies and fetches in a private state per
 * release; dpkg installs. What was resolved is in the lock file; with it and the archives in the
 * store nothing here needs a network.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/report.h"
#include "base/str.h"
#include "store/store.h"

/* Where packages come from; from the options packages.*. All borrowed. */
struct viv_deb_source {
	const char *release;		/* "trixie" */
	const char *release_place;	/* where it is said: "vm.lua:3"; NULL: nowhere */
	const char *architecture;	/* "amd64" */
	/*
	 * "URI" (the release and its updates; on a URI with "security" in it the security suite) or
	 * "URI suite…" (just those). Empty or NULL: those of the host's apt configuration.
	 */
	const struct viv_strv *mirrors;
	const struct viv_strv *snapshot_mirrors;
	const struct viv_strv *components;
	const char *keyring; /* NULL: the Debian archive keyring of the host */
	bool recommends;
	const struct viv_strv *without; /* sorted; as in the lock file; NULL: nothing is left out */
	uint64_t memory;     /* for trees that are being made, bytes; 0: half of the host's */
	int script_timeout_ms; /* a maintainer script that does nothing for so long; 0: ten minutes */
	bool sources;	       /* the indexes of source packages instead (deb/source.h) */
};

/*
 * Lets a build of one more layer begin while apt still resolves it: viv_deb_resolve starts unpacking
 * the layers that are there, viv_deb_build goes on from them, or drops them if its layers are others.
 * Memory and a process are held until it is dropped or freed.
 */
struct viv_deb_ahead;
struct viv_deb_ahead *viv_deb_ahead_new(struct viv_store *store);
void viv_deb_ahead_free(struct viv_deb_ahead *a); /* NULL is fine */

/* Who wants a package, for messages: "vm.lua:3: environment.systemPackages"; NULL: nobody. The caller frees it. */
typedef char *(*viv_deb_whose_fn)(const void *data, const char *package);

/* What a machine wants of it. All borrowed. */
struct viv_deb_request {
	struct viv_deb_source source;
	const struct viv_strv *base;	 /* beside Essential: yes; goes into the base layer */
	const struct viv_strv *packages; /* "htop" or "htop=3.4.1-1"; the packages layer */
	const char *kernel;		 /* a kernel (meta)package; NULL: none */
	const char *lock_file;		 /* path */
	bool locked;			 /* refuse to change the lock file */
	bool flatten;			 /* one packages layer again, whatever the lock says */
	bool renew;			 /* viv update: resolve everything anew */
	const struct viv_strv *renewed;	 /* machines of the lock file that have just been; may be NULL */
	struct viv_deb_ahead *ahead;	 /* for the build of the answer; NULL: none follows */
	const char *machine;		 /* which of the lock file's machines; NULL: "default" */
	viv_deb_whose_fn whose;		 /* NULL: messages name nobody */
	const void *whose_data;
};

/*
 * The release for a machine that names none: trixie, but on a host of another Debian family (with
 * mirrors of its own and none of Debian) the host's. The caller frees it.
 */
char *viv_deb_default_release(void);

/*
 * The mirrors as a running machine can use them: "URI SUITE COMPONENT…", pushed to *ret. A host's
 * files are not among them, nor are logins. What is not known is left out: this is never an error.
 */
void viv_deb_guest_mirrors(const struct viv_deb_source *source, struct viv_strv *ret);

struct viv_lock; /* a lock file's content; see deb/lock.h */

/*
 * Brings the lock file up to date with the request (asking apt only for what is missing) and reads
 * it. A machine that is new there, or renewed, takes the packages of another one (or of one of `renewed`) that wants the
 * same. With `locked`, ESTALE and what differs if it isn't. Unknown packages: ENOENT with near names.
 */
int viv_deb_resolve(const struct viv_deb_request *req, struct viv_report *report,
		    struct viv_lock **ret, struct viv_error *err);

/* The layers that the lock describes, lowest first, each one's store id known before it is built. */
struct viv_deb_layer {
	char *name; /* "base", "packages", "packages-2" */
	char *id;   /* an object folder: image.erofs, accounts.json, … (deb/layer.h) */
	json_t *recipe;
};
struct viv_deb_plan {
	struct viv_deb_layer *layers;
	size_t n_layers;
	char *kernel_deb; /* id of the kernel's .deb, as it came; NULL: none asked */
	char *kernel_version; /* package version, for messages */
	struct viv_deb_ahead *ahead; /* the request's; borrowed; NULL: none */
};
int viv_deb_plan(struct viv_store *store, const struct viv_lock *lock, struct viv_deb_plan *ret,
		 struct viv_error *err);
void viv_deb_plan_free(struct viv_deb_plan *p);
/* Leaves the kernel alone: packages are not installed but taken apart (deb/take.h). */
void viv_deb_plan_drop_layers(struct viv_deb_plan *p);

/*
 * Fetches and imports what is missing, then builds the layers and puts the kernel's .deb into the
 * store. Trees are made in memory where they fit; where that was guessed wrong, on disk. What was done
 * stays when a later step fails: the next build goes on from there. The users
 * and groups that the layers made are recorded in the lock file, if it can be written. EINTR: a
 * signal is to end us, see base/hold.h.
 */
int viv_deb_build(struct viv_store *store, const struct viv_deb_source *source,
		  const struct viv_lock *lock, const struct viv_deb_plan *plan,
		  struct viv_report *report, struct viv_error *err);

struct viv_sandbox_bind;
struct viv_sandbox_view;

/* Where the tree is in the sandbox, below its scratch folder. */
#define VIV_DEB_ROOT "root"

/*
 * Runs fn (a viv_sandbox_fn) in a sandbox where the plan's layers, which must be in the store, are unpacked
 * and foreign programs can run: it has /proc, /dev and /tmp. The binds are the caller's.
 */
int viv_deb_run_in(struct viv_store *store, const struct viv_deb_source *source,
		   const struct viv_lock *lock, const struct viv_deb_plan *plan,
		   const struct viv_sandbox_bind *binds, size_t n_binds,
		   int (*fn)(const struct viv_sandbox_view *view, void *arg,
			     struct viv_report *report, struct viv_str *result,
			     struct viv_error *err),
		   void *arg, struct viv_report *report, struct viv_str *result,
		   struct viv_error *err);

/*
 * Records the users and groups of layers that are in the store already in a lock file that lacks
 * them: one that was made anew. That it can't be written is a warning.
 */
void viv_deb_record_accounts(struct viv_store *store, const struct viv_lock *lock,
			     const struct viv_deb_plan *plan, struct viv_report *report);
