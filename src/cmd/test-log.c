/* SPDX-License-Identifier: MIT */
#include "cmd/test.h"

#include "base/loop.h"

#include <unistd.h>

#define SHOWN_LINES 60 /* of a test's details, in the log of many */

struct viv_test_log viv_test_log_new(struct viv_cmd *cmd, bool live)
{
	return (struct viv_test_log){
		.cmd = cmd,
		.live = live,
		.colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
		.begun = viv_now_ms(),
	};
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

/* Somebody else's text between our own colours. */
static void print(const char *before, const char *text, const char *after)
{
	VIV_FREE char *shown = viv_report_text(text ? text : "");

	printf("%s%s%s", before, shown, after);
}

void viv_test_log_begin(struct viv_test_log *log, const struct viv_test_case *c, unsigned attempt)
{
	if (!log->live || log->mute)
		return;
	viv_progress_clear(log->cmd->report);
	print("== ", c->title, "");
	printf(attempt > 1 ? " (attempt %u)\n" : "\n", attempt);
	fflush(stdout);
}

static void show_subtest(const struct viv_test_log *log, const json_t *event)
{
	const char *verdict = viv_json_str(event, "verdict");
	int depth = (int)json_integer_value(json_object_get(event, "depth"));

	printf("%*s", 2 * depth, "");
	print(verdict ? "subtest: " : "subtest: ", viv_json_str(event, "name"), "");
	if (verdict)
		printf(": %s (%.2f s)", verdict, (double)json_integer_value(json_object_get(event, "took_ms")) / 1000);
	putchar('\n');
}

void viv_test_log_event(struct viv_test_log *log, const struct viv_test_case *c, const json_t *event)
{
	const char *kind = viv_json_str(event, "event"), *machine = viv_json_str(event, "machine");
	VIV_FREE char *from = machine ? viv_report_text(machine) : NULL;
	VIV_FREE char *prefix = NULL;

	if ((!log->live && !viv_streq(kind, "kept")) || log->mute || viv_streq(kind, "begin"))
		return;
	viv_progress_clear(log->cmd->report);
	if (viv_streq(kind, "subtest")) {
		show_subtest(log, event);
	} else if (viv_streq(kind, "console")) {
		prefix = viv_asprintf("%s%s# ", dim(log), from ? from : "");
		print(prefix, viv_json_str(event, "text"), plain(log));
		putchar('\n');
	} else {
		prefix = viv_asprintf("%s%s%s", from ? from : "", from ? ": " : "",
				      viv_streq(kind, "warning")  ? "warning: "
				      : viv_streq(kind, "kernel") ? "kernel: "
								  : "");
		print(prefix, viv_json_str(event, "text"), "\n");
	}
	fflush(stdout);
}

static void show_details(const struct viv_test_log *log, const struct viv_test_result *r)
{
	struct viv_slice rest = viv_slice(r->details ? r->details : ""), line;
	unsigned n = 0;

	while (rest.len && viv_slice_line(&rest, &line)) {
		VIV_FREE char *text = viv_slice_dup(line);

		if (n++ == SHOWN_LINES && !log->live) {
			printf("    …\n");
			break;
		}
		print("    ", text, "\n");
	}
}

void viv_test_log_end(struct viv_test_log *log, const struct viv_test_result *r, bool final)
{
	if (final) {
		log->done++;
		log->counts[r->verdict]++;
	}
	if (log->mute)
		return;
	viv_progress_clear(log->cmd->report);
	printf("%s%-7s%s ", verdict_colour(log, r->verdict), viv_verdict_name(r->verdict), plain(log));
	print("", r->title, "");
	printf(" (%.2f s)%s\n", (double)r->ms / 1000, final ? "" : ", is run again");
	if (r->reason) {
		print("  ", r->place ? r->place : "", r->place ? ": " : "");
		print("", r->reason, "\n");
	}
	if (!viv_verdict_is_ok(r->verdict))
		show_details(log, r);
	fflush(stdout);
}

void viv_test_log_summary(struct viv_test_log *log)
{
	const char *between = "";

	if (log->mute)
		return;
	viv_progress_clear(log->cmd->report);
	for (size_t i = 0; i < VIV_VERDICT_COUNT; i++) {
		static const struct { enum viv_verdict verdict; const char *text; } rows[VIV_VERDICT_COUNT] = {
			{VIV_VERDICT_PASS, "passed"},	    {VIV_VERDICT_FAIL, "failed"},
			{VIV_VERDICT_SKIP, "skipped"},	    {VIV_VERDICT_ERROR, "could not be run"},
			{VIV_VERDICT_TIMEOUT, "timed out"}, {VIV_VERDICT_CRASH, "crashed"},
		};
		enum viv_verdict v = rows[i].verdict;

		if (!log->counts[v] && v != VIV_VERDICT_PASS && v != VIV_VERDICT_FAIL)
			continue;
		printf("%s%u %s", between, log->counts[v], rows[i].text);
		between = ", ";
	}
	printf(" (%.1f s)\n", (double)(viv_now_ms() - log->begun) / 1000);
}
