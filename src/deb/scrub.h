/* SPDX-License-Identifier: MIT */
#pragma once

/* What maintainer scripts make differently each time is taken out of a tree before it is stored. */

#include "base/error.h"
#include "base/str.h"
#include "image/tree.h"

/* In the tree at root, where nothing may run any more. Times that can't go become `epoch`, in seconds. */
int viv_scrub(const char *root, int64_t epoch, struct viv_error *err);
/*
 * EACCES names a private key among the tree's files that are new since `before` (may be NULL): in a file
 * that no package's list names, or in one below etc, root, home, srv or var. Those that packages ship
 * elsewhere are examples and tests: public. Secrets never enter the store. Files over 8 MiB and
 * compressed ones are not looked into.
 */
int viv_scrub_check_keys(const char *root, const struct viv_tree *before,
			 const struct viv_tree *now, struct viv_error *err);
/* PEM, OpenSSH, OpenPGP (armored or not), gpg-agent's, PuTTY's: is there a private key in it? */
bool viv_scrub_is_key(struct viv_slice content);
/* Empty host keys, so that no script spends time on making real ones; viv_scrub removes them. */
int viv_scrub_prepare(const char *root, struct viv_error *err);
