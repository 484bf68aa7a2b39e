/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Trees of the user's: what is in them, and a copy that a build works in. The copy is kept between
 * builds, and only files that changed are written again: make sees by their times what to compile.
 */

#include "base/hash.h"
#include "base/report.h"
#include "image/tree.h"

struct viv_own_tree {
	char *path;
	struct viv_tree files; /* hashed files, links and folders; sorted by path */
	char hash[VIV_SHA256_HEX]; /* of all of it: names, contents, whether executable */
};
void viv_own_tree_free(struct viv_own_tree *t); /* the contents */

/*
 * A folder with all that is in it; with `git` what git has of it: committed, changed and new files as they
 * stand, without ignored ones. How many are not committed is told. ENOENT: there is no such folder.
 */
int viv_own_tree_read(const char *path, bool git, struct viv_report *report,
		      struct viv_own_tree *ret, struct viv_error *err);
bool viv_own_tree_has(const struct viv_own_tree *t, const char *path);

#define VIV_OWN_TREE_COPY	"src"
#define VIV_OWN_TREE_CONFIGURED "configured"
/*
 * Makes <folder>/src what the tree is: what the manifest at `record` (may not be there: then there is no copy) says
 * of the last time stays. Whatever else is in it stays, too: builds put it there; but no link of theirs is
 * followed. <folder>/configured is removed when a file changed that a build system is configured by. After
 * a failure the next call goes on. EAGAIN: the tree changed meanwhile.
 */
int viv_own_tree_sync(const struct viv_own_tree *t, const char *folder, const char *record,
		      struct viv_error *err);
