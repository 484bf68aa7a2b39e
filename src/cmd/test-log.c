/* SPDX-License-Identifier: MIT */
#include "cmd/test.h"

#include "base/loop.h"

#include <unistd.h>

#define STEP_SHOWN  60 /* bytes of what has ended, where other lines came in between */
#define SHOWN_LINES 60 /* of a test's details, in the log of many */
#define LABEL_WIDTH 24 /* columns up to which labels are made equally wide */

struct viv_test_log viv_test_log_new(struct viv_cmd *cmd, bool live)
{
	return (struct viv_test_log){
		.cmd = cmd,
		.output = {.cmd = cmd},
		.live = live,
		.colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
		.begun = viv_now_ms(),
	};
}

void viv_test_log_free_contents(struct viv_test_log *log)
{
	free(viv_steal(log->step));
	viv_strv_free(&log->labels);
}

/* "page [fs=ext4]"; the whole title where that is not the test's alone. */
static char *label_of(const struct viv_suite *suite, size_t which)
{
	const struct viv_test_case *c = &suite->cases[which], *d = suite->cases;
	VIV_STR label = VIV_STR_INIT;

	for (; d < suite->cases + suite->n && c->name; d++)
		if (d != c && d->name && viv_streq(d->name, c->name) &&
		    viv_streq(d->combination ? d->combination : "", c->combination ? c->combination : ""))
			break;
	if (!c->name || d < suite->cases + suite->n)
		return viv_report_text(c->title);
	viv_str_add(&label, c->name);
	if (c->combination)
		viv_str_addf(&label, " [%s]", c->combination);
	return viv_report_text(label.data);
}

static size_t columns(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void viv_test_log_label(struct viv_test_log *log, const struct viv_suite *suite)
{
	VIV_STRV all = VIV_STRV_INIT;
	size_t width = 0;

	for (size_t i = 0; i < suite->n; i++) {
		viv_strv_take(&all, label_of(suite, i));
		if (columns(all.items[i]) <= LABEL_WIDTH)
			width = VIV_MAX(width, columns(all.items[i]));
	}
	for (size_t i = 0; i < all.count; i++)
		viv_strv_pushf(&log->labels, "%s%*s | ", all.items[i],
			       (int)(width - VIV_MIN(columns(all.items[i]), width)), "");
	log->suite = suite;
}

static const char *label(const struct viv_test_log *log, const struct viv_test_case *c)
{
	return log->labels.count ? log->labels.items[c - log->suite->cases] : "";
}

static const char *dim(const struct viv_test_log *log)
{
	return log->colours ? "\033[2m" : "";
}

static const char *verdict_colour(const struct viv_test_log *log, enum viv_verdict verdict)
{
	if (!log->colours)
		return "";
	return verdict == VIV_VERDICT_PASS ? "\033[32m" : verdict == VIV_VERDICT_SKIP ? "\033[33m" : "\033[31m";
}

static const char *plain(const struct viv_test_log *log)
{
	return log->colours ? "\033[0m" : "";
}

/* Somebody else's text. */
static void add(struct viv_str *line, const char *text)
{
	VIV_FREE char *shown = viv_report_text(text ? text : "");

	viv_str_add(line, shown);
}

/* Within a line of ours: what has several goes on below it, further in. */
static void add_within(struct viv_str *line, const char *text)
{
	struct viv_slice rest = viv_slice(text ? text : ""), one;

	for (bool first = true; rest.len && viv_slice_line(&rest, &one); first = false) {
		VIV_FREE char *copy = viv_slice_dup(one);

		viv_str_add(line, first ? "" : "\n    ");
		add(line, copy);
	}
}

static void put(struct viv_test_log *log, enum viv_test_weight weight, const struct viv_str *text)
{
	free(viv_steal(log->step));
	viv_progress_clear(log->cmd->report);
	viv_test_output_add(&log->output, weight, text);
}

void viv_test_log_begin(struct viv_test_log *log, const struct viv_test_case *c, unsigned attempt)
{
	VIV_STR line = VIV_STR_INIT;

	if (!log->live || log->mute)
		return;
	viv_str_add(&line, "== ");
	add(&line, c->title);
	if (attempt > 1)
		viv_str_addf(&line, " (attempt %u)", attempt);
	viv_str_add_char(&line, '\n');
	put(log, VIV_TEST_RESULT, &line);
}

/* A test's lines, of which only the first has the label yet. */
static void put_event(struct viv_test_log *log, enum viv_test_weight weight, const char *label, const struct viv_str *text)
{
	struct viv_slice rest = {text->data, text->len}, line;
	VIV_STR all = VIV_STR_INIT;

	for (bool first = true; rest.len && viv_slice_line(&rest, &line); first = false) {
		viv_str_add(&all, first ? "" : label);
		viv_str_add_bytes(&all, line.data, line.len);
		viv_str_add_char(&all, '\n');
	}
	put(log, weight, &all);
}

static double seconds(const json_t *event)
{
	return (double)json_integer_value(json_object_get(event, "took_ms")) / 1000;
}

static void add_subtest(struct viv_str *line, const json_t *event)
{
	const char *verdict = viv_json_str(event, "verdict");
	int depth = (int)json_integer_value(json_object_get(event, "depth"));

	viv_str_addf(line, "%*ssubtest: ", 2 * depth, "");
	add_within(line, viv_json_str(event, "name"));
	if (verdict)
		viv_str_addf(line, ": %s (%.2f s)", verdict, seconds(event));
}

enum viv_test_weight viv_test_log_weight(const json_t *event)
{
	return viv_streq(viv_json_str(event, "event"), "console") ? VIV_TEST_CONSOLE : VIV_TEST_EVENT;
}

/* "(finished in 1.02 s)"; where it is not clear what: "(finished: must succeed: sleep 1, in 1.02 s)". */
static void add_done(const struct viv_test_log *log, const json_t *event, struct viv_str *line)
{
	VIV_FREE char *text = viv_report_text(viv_json_str(event, "text"));
	const char *verb = json_object_get(event, "failed") ? "failed" : "finished";
	VIV_STR begun = VIV_STR_INIT;
	size_t n = strcspn(text, "\n");

	viv_str_addf(&begun, "%s%s\n", line->data ? line->data : "", text);
	if (log->step && viv_streq(log->step, begun.data)) {
		viv_str_addf(line, "(%s in %.2f s)", verb, seconds(event));
		return;
	}
	if (n > STEP_SHOWN)
		for (n = STEP_SHOWN; n && (text[n] & 0xc0) == 0x80; n--)
			;
	viv_str_addf(line, "(%s: %.*s%s, in %.2f s)", verb, (int)n, text, text[n] ? "…" : "", seconds(event));
}

static const char *mark_of(const char *kind, bool is_stderr)
{
	return is_stderr ? "stderr: " : viv_streq(kind, "warning") ? "warning: " : viv_streq(kind, "kernel") ? "kernel: " : "";
}

void viv_test_log_event(struct viv_test_log *log, const struct viv_test_case *c, const json_t *event)
{
	const char *kind = viv_json_str(event, "event"), *machine = viv_json_str(event, "machine");
	bool console = viv_streq(kind, "console"), is_stderr = json_object_get(event, "stream") != NULL;
	bool pale = console || is_stderr, is_warning = machine && viv_streq(kind, "warning");
	VIV_STR line = VIV_STR_INIT;

	if ((!log->live && !viv_streq(kind, "kept") && !is_warning) || log->mute || viv_streq(kind, "begin"))
		return;
	if (!log->live && is_warning) {
		add(&line, c->title);
		viv_str_add(&line, ": ");
	}
	viv_str_add(&line, label(log, c));
	if (viv_streq(kind, "subtest")) {
		add_subtest(&line, event);
	} else {
		viv_str_add(&line, pale ? dim(log) : "");
		add(&line, machine);
		viv_str_add(&line, console ? "# " : machine ? ": " : "");
		viv_str_add(&line, mark_of(kind, is_stderr));
		if (viv_streq(kind, "done"))
			add_done(log, event, &line);
		else
			add(&line, viv_json_str(event, "text"));
		viv_str_add(&line, pale ? plain(log) : "");
	}
	viv_str_add_char(&line, '\n');
	put_event(log, viv_test_log_weight(event), label(log, c), &line);
	if (viv_streq(kind, "step"))
		log->step = viv_str_steal(&line);
}

static void add_details(const struct viv_test_log *log, const struct viv_test_result *r, struct viv_str *lines)
{
	struct viv_slice rest = viv_slice(r->details ? r->details : ""), line;
	unsigned n = 0;

	while (rest.len && viv_slice_line(&rest, &line)) {
		VIV_FREE char *text = viv_slice_dup(line);

		if (n++ == SHOWN_LINES && !log->live) {
			viv_str_add(lines, "    …\n");
			break;
		}
		viv_str_add(lines, "    ");
		add(lines, text);
		viv_str_add_char(lines, '\n');
	}
}

void viv_test_log_end(struct viv_test_log *log, const struct viv_test_result *r, bool final)
{
	VIV_STR lines = VIV_STR_INIT;

	if (final) {
		log->done++;
		log->counts[r->verdict]++;
	}
	if (log->mute)
		return;
	viv_str_addf(&lines, "%s%-7s%s ", verdict_colour(log, r->verdict), viv_verdict_name(r->verdict), plain(log));
	add(&lines, r->title);
	viv_str_addf(&lines, " (%.2f s)%s\n", (double)r->ms / 1000, final ? "" : ", is run again");
	if (r->reason) {
		viv_str_add(&lines, "  ");
		add(&lines, r->place);
		viv_str_add(&lines, r->place ? ": " : "");
		add_within(&lines, r->reason);
		viv_str_add_char(&lines, '\n');
	}
	if (!viv_verdict_is_ok(r->verdict))
		add_details(log, r, &lines);
	put(log, VIV_TEST_RESULT, &lines);
}

void viv_test_log_summary(struct viv_test_log *log)
{
	VIV_STR line = VIV_STR_INIT;

	if (log->mute)
		return;
	for (size_t i = 0; i < VIV_VERDICT_COUNT; i++) {
		static const struct { enum viv_verdict verdict; const char *text; } rows[VIV_VERDICT_COUNT] = {
			{VIV_VERDICT_PASS, "passed"},	    {VIV_VERDICT_FAIL, "failed"},
			{VIV_VERDICT_SKIP, "skipped"},	    {VIV_VERDICT_ERROR, "could not be run"},
			{VIV_VERDICT_TIMEOUT, "timed out"}, {VIV_VERDICT_CRASH, "crashed"},
		};
		enum viv_verdict v = rows[i].verdict;

		if (log->counts[v] || v == VIV_VERDICT_PASS || v == VIV_VERDICT_FAIL)
			viv_str_addf(&line, "%s%u %s", line.len ? ", " : "", log->counts[v], rows[i].text);
	}
	viv_str_addf(&line, " (%.1f s)\n", (double)(viv_now_ms() - log->begun) / 1000);
	put(log, VIV_TEST_RESULT, &line);
}
