/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Every report of a guest's kernel on its console, each with its lines; viv_trouble (trouble.h) is but the
 * worst of them. A pure state machine over lines, by the same table.
 *
 * A report ends with the kernel's own mark ("---[ end trace", "</TASK>", a bar of "=", the last line of
 * an OOM kill), with the next report, with two seconds without a line or a jump back in the kernel's time,
 * or when it is too long. One without a mark (an architecture that has none) stays open until something is printed:
 * who waits for its end sets himself a limit. All text kept is fit for a terminal.
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

#define VIV_REPORTS_MAX	       64  /* reports kept, the first ones; those after them are counted */
#define VIV_REPORT_LINES_MAX   80  /* kept of one; beyond, only the one that says how an OOM kill ended */
#define VIV_REPORT_LINES_AFTER 400 /* one that goes on longer has ended */

struct viv_trouble_report {
	enum viv_trouble_report_kind kind;
	char *what;	       /* the line that says it, without its time stamp */
	struct viv_strv lines; /* from its first line */
	bool open;	       /* its end has not come yet */
};

struct viv_trouble_reports {
	struct viv_trouble_report *items; /* in the order in which they began */
	size_t count, cap;
	uint64_t dropped;
	unsigned seen; /* VIV_REPORT_BIT of all, those dropped too */
	/* Each may be NULL: a report has begun, has ended. It may move afterwards. */
	void (*begin)(const struct viv_trouble_report *r, void *arg);
	void (*end)(const struct viv_trouble_report *r, void *arg);
	void *arg;
	/* Of the open one, the last in the list. */
	int end_mark; /* of enum viv_trouble_end, private */
	unsigned lines_seen;
	int64_t last_us; /* its last stamp; -1: without stamps */
};

void viv_trouble_reports_free(struct viv_trouble_reports *list); /* its contents */
/* A line of the console without its end. */
void viv_trouble_reports_feed(struct viv_trouble_reports *list, struct viv_slice line);
/* Nothing more will come, or will be waited for. */
void viv_trouble_reports_end(struct viv_trouble_reports *list);
/* {kind, what, lines}. The caller owns it. */
json_t *viv_trouble_report_json(const struct viv_trouble_report *r);
