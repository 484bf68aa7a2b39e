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
	const char *id;
	char *there;	/* the finished layer's folder; NULL: to be built */
	char *out;	/* where to build it */
	struct viv_install_deb *debs; /* in the order of lock->packages */
};

struct viv_install {
	struct viv_install_layer *layers; /* lowest first */
	size_t n_layers;
	const char *architecture;
	int script_timeout_ms; /* 0: ten minutes */
	bool one_by_one;       /* an image is written before the next layer is begun */
};

/*
 * For viv_sandbox_call; arg is a struct viv_install. The result, also of a failure, is JSON:
 * {"imports": {id: sha256} (those that were made), "accounts": {layer: {users, groups}}}. EAGAIN:
 * scripts spoilt an image that was being written; it goes one by one.
 */
int viv_install_run(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		    struct viv_str *result, struct viv_error *err);
