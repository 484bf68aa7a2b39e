/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Every report of a guest's kernel on its console, each with its lines; viv_trouble (trouble.h) is but the
 * worst of them. A pure state machine over lines, by the same table.
 *
 * A report ends with the kernel's own mark ("---[ end trace", "</TASK>", a bar of "=", the last line of
 * an OOM kill), with the next report, with two seconds without a line or a jump back in the kernel's time,
 * or when it is too long. Time that passes without a line only whoever reads the console knows of:
 * viv_trouble_reports_pause. All text kept is fit for a terminal.
 */

#include "base/json.h"
#include "base/str.h"

enum viv_trouble_report_kind {
	VIV_REPORT_NONE,
	VIV_REPORT_WARN, /* WARN_ON and the like */
	VIV_REPORT_UBSAN,
	VIV_REPORT_HUNG_TASK,
	VIV_REPORT_SOFT_LOCKUP,
	VIV_REPORT_HARD_LOCKUP,
	VIV_REPORT_WORKQUEUE_LOCKUP,
	VIV_REPORT_RCU_STALL,
	VIV_REPORT_OOM_KILL, /* a cgroup's, too */
	VIV_REPORT_KMEMLEAK,
	VIV_REPORT_LOCKDEP,
	VIV_REPORT_KASAN,
	VIV_REPORT_KFENCE,
	VIV_REPORT_KMSAN,
	VIV_REPORT_KCSAN,
	VIV_REPORT_BUG, /* "kernel BUG at", "BUG: scheduling while atomic" */
	VIV_REPORT_OOPS,
	VIV_REPORT_PANIC,
};

#define VIV_REPORT_KINDS (VIV_REPORT_PANIC + 1)

/* "oops", "lockdep", "oom-kill", … */
const char *viv_trouble_report_name(enum viv_trouble_report_kind kind);
/* False: no such name. */
bool viv_trouble_report_parse(const char *name, enum viv_trouble_report_kind *ret);

/* Sets of kinds. */
#define VIV_REPORT_BIT(kind) (1u << (kind))
/* What fails a test that does not expect it: all but WARN. */
#define VIV_REPORT_DEFAULT \
	((VIV_REPORT_BIT(VIV_REPORT_KINDS) - 1) & ~(VIV_REPORT_BIT(VIV_REPORT_NONE) | VIV_REPORT_BIT(VIV_REPORT_WARN)))

#define VIV_REPORTS_MAX	       64  /* reports kept, the first ones; those after them are told and counted */
#define VIV_REPORT_LINES_MAX   80  /* kept of one; beyond, only the one that says how an OOM kill ended */
#define VIV_REPORT_LINES_AFTER 400 /* one that goes on longer has ended */
#define VIV_REPORT_PAUSE_MS    2000 /* without a line: it has ended */

struct viv_trouble_report {
	enum viv_trouble_report_kind kind;
	char *what;	       /* the line that says it, without its time stamp */
	struct viv_strv lines; /* from its first line */
	bool open;	       /* its end has not come yet */
};

struct viv_trouble_reports {
	struct viv_trouble_report *items; /* those that have ended, in the order in which they began */
	size_t count, cap;
	uint64_t dropped;
	unsigned seen; /* VIV_REPORT_BIT of all, those dropped too */
	/* Each may be NULL: a report, kept or not, has begun, has ended. It holds as long as the call. */
	void (*begin)(const struct viv_trouble_report *r, void *arg);
	void (*end)(const struct viv_trouble_report *r, void *arg);
	void *arg;
	struct viv_trouble_report now; /* the open one, if it is */
	/* Of it, or of the last one; private. */
	enum viv_trouble_report_kind kind;
	bool paused; /* it was ended by time */
	bool stamped; /* the console's lines have stamps */
	int end_mark; /* of enum viv_trouble_end */
	unsigned lines_seen;
	int64_t last_us; /* its last stamp; -1: without stamps */
};

void viv_trouble_reports_free(struct viv_trouble_reports *list); /* its contents */
/* A line of the console without its end. */
void viv_trouble_reports_feed(struct viv_trouble_reports *list, struct viv_slice line);
/* VIV_REPORT_PAUSE_MS have passed without a line. What still comes of that report begins no other. */
void viv_trouble_reports_pause(struct viv_trouble_reports *list);
/* Nothing more will come, or will be waited for. */
void viv_trouble_reports_end(struct viv_trouble_reports *list);
/* {kind, what, lines}. The caller owns it. */
json_t *viv_trouble_report_json(const struct viv_trouble_report *r);
