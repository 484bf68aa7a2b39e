/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Layers made inside the sandbox: lower ones unpacked, packages imported and installed by dpkg,
 * differences written as images. Inside deb/ only.
 */

#include "deb/layer.h"
#include "sandbox/sandbox.h"

/* All paths are relative to the sandbox's scratch folder. */
struct viv_install_deb {
	const struct viv_lock_package *package;
	char *archive; /* as it came; NULL if the import is there */
	char *plain;   /* the import: there, or to be made */
	char *id;      /* of the import */
	bool import;   /* to be made */
};

struct viv_install_layer {
	const struct viv_lock_layer *lock;
	char *id;
	char *there;	/* the finished layer's folder; NULL: to be built */
	char *out;	/* where to build it */
	struct viv_install_deb *debs; /* in the order of lock->packages */
};

struct viv_install {
	struct viv_install_layer *layers; /* lowest first */
	size_t n_layers;
	const char *architecture;
	const struct viv_strv *without; /* the lock's */
	int script_timeout_ms; /* 0: ten minutes */
	bool one_by_one;       /* an image is written before the next layer is begun */
};

/* Where the store's folders appear in the sandbox. */
#define VIV_INSTALL_OBJECTS "objects"
#define VIV_INSTALL_BUILDS  "builds"

#define VIV_INSTALL_MAX (2 * VIV_LOCK_MAX_BYTES) /* of work as text */

/*
 * For viv_sandbox_call; arg is a struct viv_install. The result, also of a failure, is JSON:
 * {"imports": {id: sha256} (those that were made), "accounts": {layer: {users, groups}}}. EAGAIN:
 * scripts spoilt an image that was being written; it goes one by one.
 */
int viv_install_run(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		    struct viv_str *result, struct viv_error *err);

/* Inside: unpacks layers that are all there; only lock->name and `there` are looked at. */
int viv_install_restore(const struct viv_sandbox_view *view, const struct viv_install *job,
			struct viv_report *report, struct viv_error *err);

/*
 * For viv_sandbox_begin; arg is a struct viv_install with layers that are all there, of which only
 * lock->name and `there` are looked at. They are restored; then the whole work is read from the input
 * to its end, as viv_install_format writes it: the same layers and more. Goes on as viv_install_run
 * does. ECANCELED: there was nothing to read.
 */
int viv_install_run_ahead(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
			  struct viv_str *result, struct viv_error *err);

/* Work as text, for a process that was started before it was known. `lock` is what its layers are of. */
void viv_install_format(const struct viv_install *job, const struct viv_lock *lock,
			struct viv_str *ret);
/* The work borrows from *ret_lock, which is the caller's; viv_install_clear frees its own. */
int viv_install_parse(const struct viv_str *text, struct viv_install *ret,
		      struct viv_lock **ret_lock, struct viv_error *err);
/* Not what is const. */
void viv_install_clear(struct viv_install *job);

/* Is there room in memory for the layers up to `n`, those from `from` on being still to be put there? */
bool viv_install_fits_memory(const struct viv_lock *lock, size_t from, size_t n);
