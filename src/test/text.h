/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text of tests and guests as results may hold it: fit for a terminal and for every format that we
 * write. What is returned is the caller's.
 */

#include "base/str.h"

/* As viv_report_text, and of the characters that XML can't hold none is left. */
char *viv_test_text(const char *text);
/* That as one line: newlines and tabs are blanks, none at the ends. */
char *viv_test_line(const char *text);
/* With \x00 for each NUL. */
char *viv_test_no_nul(struct viv_slice text);
/* Fit for a terminal, and whole: a NUL is no end. */
char *viv_test_whole(struct viv_slice text);
/* At most `max` bytes, cut where a character ends; with `middle` the end is kept, too. */
char *viv_test_cut(const char *text, size_t max, bool middle);
/*
 * Within quotes, with \n for a newline: at most 500 bytes from `from` on, and a … where there is more. As it is otherwise:
 * who prints it makes it fit.
 */
char *viv_test_quoted(struct viv_slice text, size_t from);
