/* SPDX-License-Identifier: MIT */
#pragma once

/* What maintainer scripts make differently each time is taken out of a tree before it is stored. */

#include "base/error.h"
#include "image/tree.h"

/* In the tree at root, where nothing may run any more. */
int viv_scrub(const char *root, struct viv_error *err);
/*
 * EACCES names a private key (PEM, OpenSSH) among the tree's files that are new since `before` (may
 * be NULL) and that no package ships: secrets never enter the store.
 */
int viv_scrub_check_keys(const char *root, const struct viv_tree *before,
			 const struct viv_tree *now, struct viv_error *err);
/* Empty host keys, so that no script spends time on making real ones; viv_scrub removes them. */
int viv_scrub_prepare(const char *root, struct viv_error *err);
