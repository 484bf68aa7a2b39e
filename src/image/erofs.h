/* SPDX-License-Identifier: MIT */
#pragma once

/* EROFS images by mkfs.erofs (erofs-utils). */

#include "base/error.h"
#include "base/str.h"
#include "image/tree.h"

/*
 * Makes an uncompressed image of the folder `tree` at `dest`. Times later than `clamp_time` (seconds)
 * become it. The UUID is made from `seed`. Same tree, same tools, same bytes. Call it where the
 * tree's owners are right: inside the sandbox. Without `xattrs` no extended attributes come along; with
 * it all do, for the capabilities among them: viv_tree_collect has taken the others away.
 */
int viv_erofs_write(const char *tree, const char *dest, int64_t clamp_time, const char *seed,
		    bool xattrs, struct viv_error *err);
/* "mkfs.erofs 1.5", for recipes: other versions write other bytes. The caller frees *ret. */
int viv_erofs_version(char **ret, struct viv_error *err);

/*
 * Unpacks an image over the folder `dest` (made if it isn't there), as overlayfs would show it: what
 * is there is replaced, whiteouts remove. `manifest` is the image's own; what fsck.erofs leaves out
 * (further names of files, capabilities) is put right from it. Inside the sandbox. `scratch` names a
 * folder on the file system of `dest` that is not there yet.
 */
int viv_erofs_extract(const char *image, const struct viv_tree *manifest, const char *dest,
		      const char *scratch, struct viv_error *err);
