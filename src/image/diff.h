/* SPDX-License-Identifier: MIT */
#pragma once

/* What a layer holds: the difference between a tree before and after. */

#include "image/tree.h"

/*
 * Makes the folder `dest` (not there yet, on the file system of `root`) out of what is in the tree at
 * `root` and changed since `before`: files are linked, what is gone becomes a whiteout (char 0:0).
 * `after` is root as it is now, hashed; it becomes the manifest of dest. Times later than
 * `clamp_time` become it, in root too, and a change of time to such a later one is none. `before`
 * NULL: everything is new. Of extended attributes only a file's capabilities stay: ACLs, user.* and
 * labels are not in manifests, dpkg sets none, and folders would lose theirs anyway. (A label that the
 * running kernel's security module holds on to can't be taken off; see viv_erofs_write.)
 *
 * `detach`: root goes on changing while dest is in use. Then what may be written to in place (all that
 * is not below usr/, or was made by the build) is copied; viv_tree_is_untouched tells afterwards
 * whether that was enough.
 */
int viv_tree_collect(const char *root, const char *dest, const struct viv_tree *before,
		     struct viv_tree *after, int64_t clamp_time, bool detach,
		     struct viv_error *err);
/* Are the files in `dest` still of the size, time, mode and owner that its manifest says? */
bool viv_tree_is_untouched(const char *dest, const struct viv_tree *manifest);
