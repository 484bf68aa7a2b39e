/* SPDX-License-Identifier: MIT */
#pragma once

/* Where tests are. */

#include "base/error.h"
#include "base/str.h"

#define VIV_TEST_SUFFIX ".test.lua"

/*
 * Files as they are named, and every *.test.lua below folders (neither hidden ones nor what is built, through no
 * links), sorted; none twice. paths NULL or empty: the current folder. ENOENT names what is not there.
 */
int viv_test_files(const char *const *paths, struct viv_strv *ret, struct viv_error *err);
