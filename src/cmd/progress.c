/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/loop.h"
#include "base/writer.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_DEPTH   8
#define STATUS_ROOM 4096 /* while more than this waits for who reads, the status line is not drawn anew */

struct task {
	char *name;
	uint64_t total, done;
	int64_t begun_ms;
};

struct progress {
	struct viv_report report; /* first: a struct viv_report * is one of these */
	bool quiet, verbose, terminal;
	bool shown; /* the status line is on the screen */
	struct task tasks[MAX_DEPTH];
	size_t depth; /* may exceed MAX_DEPTH; the rest is not shown */
	int64_t drawn_ms;
	struct viv_writer *writer; /* instead of stderr; NULL: none */
};

/* False: it may be left out (see viv_writer_add), and was. */
static bool put(struct progress *p, const char *text, size_t room)
{
	if (p->writer)
		return viv_writer_add(p->writer, text, strlen(text), room);
	fputs(text, stderr);
	return true;
}

static void put_line(struct progress *p, const char *fmt, ...) VIV_PRINTF(2, 3);
static void put_line(struct progress *p, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_FREE char *shown = NULL;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	shown = viv_report_text(text.data);
	put(p, shown, 0);
}

static void clear(struct progress *p)
{
	if (p->shown)
		put(p, "\r\033[K", 0);
	p->shown = false;
}

void viv_progress_through(struct viv_report *r, struct viv_writer *writer)
{
	if (r)
		((struct progress *)r)->writer = writer;
}

void viv_progress_clear(struct viv_report *r)
{
	if (r)
		clear((struct progress *)r);
}

static int columns(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

static void add_bar(struct viv_str *s, const struct task *t)
{
	static const unsigned width = 20;
	unsigned done = (unsigned)(VIV_MIN(t->done, t->total) * 100 / t->total);

	viv_str_add(s, " [");
	for (unsigned i = 0; i < width; i++)
		viv_str_add_char(s, i * 100 < done * width ? '#' : ' ');
	viv_str_addf(s, "] %u%%", done);
}

/* "name [####    ] 42% detail": redrawn at most ten times a second unless `now`. */
static void draw(struct progress *p, const char *detail, bool now)
{
	int64_t at = viv_now_ms();
	VIV_STR s = VIV_STR_INIT;
	VIV_FREE char *text = NULL, *line = NULL;
	const struct task *t;

	if (!p->terminal || p->quiet || !p->depth || (!now && at - p->drawn_ms < 100))
		return;
	t = &p->tasks[VIV_MIN(p->depth, (size_t)MAX_DEPTH) - 1];
	p->drawn_ms = at;
	viv_str_add(&s, t->name);
	if (t->total)
		add_bar(&s, t);
	if (detail)
		viv_str_addf(&s, " %s", detail);
	text = viv_report_text(s.data);
	line = viv_asprintf("\r\033[K%.*s", columns() - 1, text);
	p->shown = put(p, line, STATUS_ROOM) || p->shown;
}

static void message(struct viv_report *r, enum viv_level level, const char *text)
{
	struct progress *p = (struct progress *)r;

	if ((level == VIV_DEBUG && !p->verbose) || (level == VIV_INFO && p->quiet))
		return;
	clear(p);
	put_line(p, "viv: %s%s\n", level == VIV_WARNING ? "warning: " : "", text);
	draw(p, NULL, true);
}

static void begin(struct viv_report *r, const char *name, uint64_t total)
{
	struct progress *p = (struct progress *)r;

	if (p->depth < MAX_DEPTH)
		p->tasks[p->depth] = (struct task){viv_strdup(name), total, 0, viv_now_ms()};
	p->depth++;
	if (!p->terminal && !p->quiet)
		put_line(p, "viv: %s\n", name);
	draw(p, NULL, true);
}

static void advance(struct viv_report *r, uint64_t done, const char *detail)
{
	struct progress *p = (struct progress *)r;

	if (!p->depth || p->depth > MAX_DEPTH)
		return;
	p->tasks[p->depth - 1].done = done;
	draw(p, detail, false);
}

static void end(struct viv_report *r, bool ok)
{
	struct progress *p = (struct progress *)r;
	struct task *t;
	int64_t ms;

	if (!p->depth || p->depth-- > MAX_DEPTH)
		return;
	t = &p->tasks[p->depth];
	ms = viv_now_ms() - t->begun_ms;
	clear(p);
	if (p->terminal && !p->quiet && ok && ms >= 500)
		put_line(p, "viv: %s (%lld.%lld s)\n", t->name, (long long)ms / 1000,
			      (long long)ms % 1000 / 100);
	free(t->name);
	draw(p, NULL, true);
}

struct viv_report *viv_progress_new(bool quiet, bool verbose)
{
	struct progress *p = viv_new(struct progress);
	const char *term = getenv("TERM");

	p->report = (struct viv_report){message, begin, advance, end};
	p->quiet = quiet;
	p->verbose = verbose;
	p->terminal = isatty(STDERR_FILENO) && term && !viv_streq(term, "dumb");
	return &p->report;
}

void viv_progress_free(struct viv_report *r)
{
	struct progress *p = (struct progress *)r;

	if (!p)
		return;
	clear(p);
	while (p->depth > 0)
		if (--p->depth < MAX_DEPTH)
			free(p->tasks[p->depth].name);
	free(p);
}
