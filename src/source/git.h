/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * git, run so that no configuration counts, not even the repository's own, which may be a stranger's and can name
 * programs; nothing asks and no hook runs. Only https and file addresses.
 */

#include "base/error.h"
#include "base/report.h"
#include "base/str.h"

/*
 * The paths of a work tree's files, committed or not, but for ignored ones; sorted. Tells how many have
 * changes that are not committed, and that submodules are left out.
 */
int viv_git_list(const char *tree, struct viv_report *report, struct viv_strv *ret,
		 struct viv_error *err);
/* Is it a whole commit's name? */
bool viv_git_is_commit(const char *rev);
/* Fetches that commit alone and writes it to `dest` as a tar file with all in one folder. */
int viv_git_fetch(const char *url, const char *rev, const char *dest, struct viv_report *report,
		  struct viv_error *err);
