/* SPDX-License-Identifier: MIT */
#pragma once

/* Where tests are. */

#include "base/error.h"
#include "base/str.h"

#define VIV_TEST_SUFFIX ".test.lua"

/*
 * Files as they are named, and every *.test.lua below folders, sorted; none twice. paths NULL or empty: the current
 * folder. Passed over below one that is named: hidden folders, build, build-*, result, result-*, target, node_modules,
 * links, what is more than 16 folders deep. *unread: folders below that could not be looked into, and why ("sub:
 * Permission denied"). ENOENT names what is not there.
 */
int viv_test_files(const char *const *paths, struct viv_strv *ret, struct viv_strv *unread, struct viv_error *err);
