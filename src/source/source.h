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
