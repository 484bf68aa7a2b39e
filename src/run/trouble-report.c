/* SPDX-License-Identifier: MIT */
#include "run/trouble-report.h"

#include "run/trouble-line.h"

#define PAUSE_US (VIV_REPORT_PAUSE_MS * 1000)
#define BAR_MIN	 20

static const char *const names[VIV_REPORT_KINDS] = {
	[VIV_REPORT_NONE] = "none",
	[VIV_REPORT_WARN] = "warn",
	[VIV_REPORT_UBSAN] = "ubsan",
	[VIV_REPORT_HUNG_TASK] = "hung-task",
	[VIV_REPORT_SOFT_LOCKUP] = "soft-lockup",
	[VIV_REPORT_HARD_LOCKUP] = "hard-lockup",
	[VIV_REPORT_WORKQUEUE_LOCKUP] = "workqueue-lockup",
	[VIV_REPORT_RCU_STALL] = "rcu-stall",
	[VIV_REPORT_OOM_KILL] = "oom-kill",
	[VIV_REPORT_KMEMLEAK] = "kmemleak",
	[VIV_REPORT_LOCKDEP] = "lockdep",
	[VIV_REPORT_KASAN] = "kasan",
	[VIV_REPORT_KFENCE] = "kfence",
	[VIV_REPORT_KMSAN] = "kmsan",
	[VIV_REPORT_KCSAN] = "kcsan",
	[VIV_REPORT_BUG] = "bug",
	[VIV_REPORT_OOPS] = "oops",
	[VIV_REPORT_PANIC] = "panic",
};

const char *viv_trouble_report_name(enum viv_trouble_report_kind kind)
{
	return names[kind];
}

bool viv_trouble_report_parse(const char *name, enum viv_trouble_report_kind *ret)
{
	for (unsigned i = VIV_REPORT_NONE + 1; i < VIV_REPORT_KINDS; i++)
		if (viv_streq(name, names[i])) {
			*ret = i;
			return true;
		}
	return false;
}

static void free_contents(struct viv_trouble_report *r)
{
	free(r->what);
	viv_strv_free(&r->lines);
	*r = (struct viv_trouble_report){0};
}

void viv_trouble_reports_free(struct viv_trouble_reports *list)
{
	for (size_t i = 0; i < list->count; i++)
		free_contents(&list->items[i]);
	free(list->items);
	free_contents(&list->now);
	*list = (struct viv_trouble_reports){0};
}

static struct viv_trouble_report *open_one(struct viv_trouble_reports *list)
{
	return list->now.open ? &list->now : NULL;
}

void viv_trouble_reports_end(struct viv_trouble_reports *list)
{
	struct viv_trouble_report *r = open_one(list);

	if (!r)
		return;
	r->open = false;
	if (list->end)
		list->end(r, list->arg);
	if (list->count >= VIV_REPORTS_MAX) {
		list->dropped++;
		free_contents(r);
		return;
	}
	list->items = viv_grow(list->items, &list->cap, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = *r;
	*r = (struct viv_trouble_report){0};
}

void viv_trouble_reports_pause(struct viv_trouble_reports *list)
{
	if (!open_one(list))
		return;
	list->paused = true;
	viv_trouble_reports_end(list);
}

static void keep(struct viv_trouble_report *r, struct viv_slice line, bool important)
{
	if (r->lines.count < VIV_REPORT_LINES_MAX + (important ? 1 : 0))
		viv_strv_take(&r->lines, viv_slice_printable(line));
}

static void say(struct viv_trouble_report *r, struct viv_slice message)
{
	free(r->what);
	r->what = viv_slice_printable(message);
}

static void begin(struct viv_trouble_reports *list, const struct viv_trouble_mark *mark,
		  struct viv_slice line, struct viv_slice message, int64_t us)
{
	struct viv_trouble_report *r = &list->now;

	list->seen |= VIV_REPORT_BIT(mark->report);
	*r = (struct viv_trouble_report){.kind = mark->report, .open = true};
	list->kind = r->kind;
	list->paused = false;
	say(r, message);
	keep(r, line, true);
	list->end_mark = mark->end;
	list->lines_seen = 1;
	list->last_us = us;
	if (list->begin)
		list->begin(r, list->arg);
}

/* A BUG is followed by the oops that it makes. */
static bool goes_on(const struct viv_trouble_reports *list, const struct viv_trouble_mark *mark)
{
	if (!mark->joins)
		return false;
	return list->kind == mark->report ||
	       (mark->report == VIV_REPORT_OOPS && list->kind == VIV_REPORT_BUG);
}

/* It belongs to one that time has ended, and that by the kernel's clock goes on: a busy host stood still. */
static bool is_late(const struct viv_trouble_reports *list, const struct viv_trouble_mark *mark, int64_t us)
{
	return list->paused && goes_on(list, mark) && us >= 0 && list->last_us >= 0 &&
	       llabs(us - list->last_us) < PAUSE_US;
}

static bool is_bar(struct viv_slice m)
{
	for (size_t i = 0; i < m.len; i++)
		if (m.data[i] != '=')
			return false;
	return m.len >= BAR_MIN;
}

static bool is_last(const struct viv_trouble_reports *list, struct viv_slice m)
{
	return list->end_mark == VIV_TROUBLE_END_LINE || viv_trouble_begins(m, "---[ end") ||
	       (list->end_mark == VIV_TROUBLE_END_STACK && viv_slice_eq(m, "</TASK>")) ||
	       list->lines_seen >= VIV_REPORT_LINES_AFTER;
}

/* The line belongs to the open report, or ends it, or is somebody else's. */
static void go_on(struct viv_trouble_reports *list, const struct viv_trouble_mark *mark,
		  struct viv_slice line, struct viv_slice m, int64_t us)
{
	struct viv_trouble_report *r = open_one(list);

	/* Programs write to the console, too. */
	if (list->last_us >= 0 && us < 0)
		return;
	if (is_bar(m) || (list->last_us >= 0 && llabs(us - list->last_us) >= PAUSE_US)) {
		viv_trouble_reports_end(list);
		return;
	}
	list->last_us = us;
	list->lines_seen++;
	if (mark && mark->end == VIV_TROUBLE_END_LINE) {
		say(r, m);
		list->end_mark = mark->end;
	}
	keep(r, line, list->end_mark == VIV_TROUBLE_END_LINE);
}

void viv_trouble_reports_feed(struct viv_trouble_reports *list, struct viv_slice line)
{
	const struct viv_trouble_mark *mark;
	struct viv_trouble_report *r = open_one(list);
	struct viv_slice m;
	int64_t us;

	line = viv_trouble_clip(line);
	mark = viv_trouble_find(line, &list->stamped, &m, &us);
	if (r && (!mark || goes_on(list, mark))) {
		go_on(list, mark, line, m, us);
	} else if (mark && (r || !is_late(list, mark, us))) {
		viv_trouble_reports_end(list);
		begin(list, mark, line, m, us);
	}
	if (open_one(list) && is_last(list, m))
		viv_trouble_reports_end(list);
}

json_t *viv_trouble_report_json(const struct viv_trouble_report *r)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < r->lines.count; i++)
		json_array_append_new(lines, json_string(r->lines.items[i]));
	return json_pack("{s:s, s:s, s:o}", "kind", names[r->kind], "what", r->what, "lines", lines);
}
