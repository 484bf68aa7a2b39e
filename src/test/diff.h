/* SPDX-License-Identifier: MIT */
#pragma once

/* How two texts differ, line by line, for people. */

#include "base/str.h"

/*
 * Lines of `old` that `new` has not ("- …"), those that only `new` has ("+ …"), and some around them ("  …"); what is left
 * out is a line "  …", and the end of a long line a "…". Fit for a terminal, and of texts of any size some MiB at most.
 * Nothing: by their lines they are the same. Which line (from 1) of `old` is the first that differs; 0: none.
 */
size_t viv_test_diff(struct viv_slice old, struct viv_slice new, struct viv_str *ret);

/*
 * What a failure says, on one line, of a text that is not the one that was expected: where they part if one of them has
 * several lines, of which *ret_lines then shows how they differ; else both. The caller frees it.
 */
char *viv_test_differs(struct viv_slice got, struct viv_slice wanted, struct viv_str *ret_lines);
