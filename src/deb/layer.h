/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Layers, archives and imports as store objects.
 *
 * A layer is a folder:
 *	image.erofs	what it adds to the layers below; whiteouts (char 0:0) remove
 *	manifest	what is in the image (image/tree.h)
 *	accounts.json	{"passwd", "group", "shadow", "gshadow"}: these files' texts as of this layer,
 *			so that a layer on top can add users without looking into images
 *	layer.json	{"name", "epoch": no time in it is later (seconds), "accounts": {"users",
 *			"groups"}: those that this layer made, as in the lock file}
 *
 * An archive is a .deb as it came; its recipe's kind is "archive" (`gc --keep-archives` keeps those).
 * An import is the same with its parts uncompressed; kind "import".
 */

#include "deb/deb.h"
#include "deb/lock.h"
#include "sandbox/sandbox.h"

#define VIV_LAYER_IMAGE	   "image.erofs"
#define VIV_LAYER_MANIFEST "manifest"
#define VIV_LAYER_ACCOUNTS "accounts.json"
#define VIV_LAYER_INFO	   "layer.json"

/* Recipes are the caller's; ids are to be freed. */
json_t *viv_archive_recipe(const struct viv_lock_package *p);
char *viv_archive_id(const struct viv_lock_package *p);
json_t *viv_import_recipe(const struct viv_lock_package *p);
char *viv_import_id(const struct viv_lock_package *p);

/*
 * The recipe of the lock's layer number i on top of layers with the ids `lower`. `erofs` is the image
 * writer's version.
 */
json_t *viv_layer_recipe(const struct viv_lock *lock, size_t i, const struct viv_strv *lower,
			 const char *erofs);
char *viv_layer_id(const struct viv_lock *lock, const json_t *recipe, size_t i);

/* Readers for a layer's folder. The caller owns *ret. */
int viv_layer_read_accounts(const char *layer, json_t **ret, struct viv_error *err);
int viv_layer_read_info(const char *layer, json_t **ret, struct viv_error *err);

/*
 * For programs of a machine's own: calls fn in a sandbox where <scratch>/root has the layers' folders, lowest first,
 * laid over one another as the guest would see them. `out`, a folder of the host's, is <scratch>/out, writable.
 */
int viv_layers_call(const struct viv_strv *layers, const char *out, viv_sandbox_fn fn, void *arg,
		    struct viv_report *report, struct viv_error *err);
