/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which tests --only NAME means. Without a "*": those that are called so, by their name ("page"), their title
 * ("web.test.lua: page") or "web.test.lua:page", with their combination ("page [fs=ext4]") or for all of them; where none
 * is, those with NAME in their title. With one: those of which one of these is NAME from begin to end, "*" being any text.
 */

#include "test/suite.h"

/*
 * Leaves those that one of `only` (ends with NULL; NULL or empty: all) means, and files that are wrong. ENOENT: one that
 * means none, unless a file is wrong: it may be in that.
 */
int viv_suite_select(struct viv_suite *s, const char *const *only, struct viv_error *err);
