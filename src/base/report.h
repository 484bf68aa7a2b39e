/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the library says while it works. It never prints: whoever calls hands in a reporter, which
 * shows a bar, writes lines, or does nothing. Every function here takes NULL and then does nothing.
 */

#include "base/util.h"

#include <stdarg.h>

enum viv_level {
	VIV_DEBUG,   /* for --verbose */
	VIV_INFO,    /* one line a user may want */
	VIV_WARNING, /* one line a user must see, even with --quiet */
};

struct viv_report {
	/* A line of text, without a newline. */
	void (*message)(struct viv_report *r, enum viv_level level, const char *text);
	/* A piece of work of `total` units (0: unknown). Pieces nest; names are shown to people. */
	void (*begin)(struct viv_report *r, const char *task, uint64_t total);
	/* The innermost piece's state: units done, and what it is at now (may be NULL). */
	void (*advance)(struct viv_report *r, uint64_t done, const char *detail);
	void (*end)(struct viv_report *r, bool ok);
};

void viv_say(struct viv_report *r, enum viv_level level, const char *fmt, ...) VIV_PRINTF(3, 4);
void viv_task_begin(struct viv_report *r, uint64_t total, const char *fmt, ...) VIV_PRINTF(3, 4);
void viv_task_advance(struct viv_report *r, uint64_t done, const char *detail);
void viv_task_end(struct viv_report *r, bool ok);

/*
 * Text that may be somebody else's (a guest's, a machine file's, a mirror's) as it may stand in a
 * line of ours on a terminal: what a terminal obeys or hides (base/utf8.h) and what is not UTF-8 is written as \x1b;
 * newlines and tabs stay. The caller frees it.
 */
char *viv_report_text(const char *text);
