/* SPDX-License-Identifier: MIT */
#pragma once

/* One line of a console: what it says by itself. The one table of what kernels print; private to trouble*.c. */

#include "run/trouble-report.h"
#include "run/trouble.h"

/* How a report ends, beside what ends each (trouble-report.h). */
enum viv_trouble_end {
	VIV_TROUBLE_END_TRACE, /* "---[ end trace …" */
	VIV_TROUBLE_END_STACK, /* with its stack: "</TASK>" */
	VIV_TROUBLE_END_LINE,  /* this is all of it */
};

enum viv_trouble_place {
	VIV_TROUBLE_AT_START,
	VIV_TROUBLE_ANYWHERE,
	VIV_TROUBLE_STAMPED, /* anywhere, if the kernel's time stands before it: programs write to the console, too */
};

struct viv_trouble_mark {
	const char *text;
	enum viv_trouble_place place; /* where it stands in the message */
	enum viv_trouble_kind kind;
	enum viv_trouble_report_kind report;
	enum viv_trouble_end end;
	bool joins; /* goes on with a BUG or an oops that is open, or with one of its own kind */
	const char *too; /* what must be in it as well, or NULL */
};

/*
 * NULL: nothing. *ret_message: the line without time stamps. *ret_us: the stamp, or -1. *stamped is kept from line to
 * line of a console, false at first and after a reset: once its kernel has written stamps, lines without one are a program's,
 * and no report. But for a panic's: better one too many than one missed.
 */
const struct viv_trouble_mark *viv_trouble_find(struct viv_slice line, bool *stamped, struct viv_slice *ret_message,
						int64_t *ret_us);

bool viv_trouble_contains(struct viv_slice message, const char *text);
bool viv_trouble_begins(struct viv_slice message, const char *text);
/* Without what stands at a console line's end, and not longer than any message. */
struct viv_slice viv_trouble_clip(struct viv_slice line);
