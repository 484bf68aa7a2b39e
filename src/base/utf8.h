/* SPDX-License-Identifier: MIT */
#pragma once

/* Characters of UTF-8 in text that may be somebody else's. */

#include "base/util.h"

/*
 * The character at p, of len bytes at least one: how many bytes it has. *ret_shown: a terminal shows it, and neither
 * obeys it nor changes by it how text around it stands: no control character (C0, C1, DEL), no direction (U+202A and
 * its like), nothing that has no look of its own, is nobody's (private use) or no character. Of what is no UTF-8 the
 * bytes that could begin one character are taken as one that is not shown.
 */
size_t viv_utf8_next(const char *p, size_t len, bool *ret_shown);
