/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Paths, folders, and where a user's things are (XDG base directory specification).
 * Returned strings are the caller's, to be freed.
 */

#include "base/error.h"
#include "base/str.h"

#include <sys/types.h>

/* "a/b"; b alone if it is absolute. */
char *viv_path_join(const char *a, const char *b);
/* Without "//", "/./" and trailing "/"; ".." stays, it may cross a link. */
char *viv_path_clean(const char *path);
/* The folder part ("." if there is none) and the last component. */
char *viv_path_dir(const char *path);
const char *viv_path_base(const char *path);
/* Relative, not empty, no empty, "." or ".." component: safe below a folder that holds no links. */
bool viv_path_is_safe(const char *path);
/* Is it the folder, or within it? Both absolute and clean. */
bool viv_path_is_within(const char *path, const char *folder);
/* Absolute and clean, relative to the current folder. */
int viv_path_absolute(const char *path, char **ret, struct viv_error *err);
/* "../b/c" for /a/b/c seen from the folder /a/d: both absolute and clean, "." for the folder itself. */
char *viv_path_relative(const char *folder, const char *path);

bool viv_exists(const char *path);
/* The folder and its parents. There already: fine. */
int viv_mkdir_p(const char *path, mode_t mode, struct viv_error *err);
/*
 * Removes a file or a whole tree, following no links and never leaving it; folders without write
 * permission get it first. Not there: fine.
 */
int viv_remove_tree(const char *path, struct viv_error *err);
/* Flushes a folder's own entries (after a rename in it). */
int viv_sync_dir(const char *path, struct viv_error *err);

/* "<XDG directory>/viv": configuration, data, cache, state; runtime is made with mode 0700. */
char *viv_dir_config(void);
char *viv_dir_data(void);
char *viv_dir_cache(void);
char *viv_dir_state(void);
int viv_dir_runtime(char **ret, struct viv_error *err);
