/* SPDX-License-Identifier: MIT */
#include "test/runner.h"

#include "base/detach.h"
#include "base/fd.h"
#include "base/hold.h"
#include "base/path.h"
#include "test/call.h"
#include "test/dump.h"
#include "test/end.h"
#include "test/prompt.h"
#include "test/remains.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

/* What the machines tell */

static void on_changed(struct guest *g, void *arg)
{
	runner_wake(arg);
}

/* What nobody asked for is worth knowing when it happens: what comes of it comes later. */
static void on_ended(struct guest *g, void *arg)
{
	struct runner *r = arg;
	VIV_FREE char *text = NULL;

	if (!guest_is_lost(g, 0))
		return;
	text = guest_end_text(g);
	viv_events_say(&r->out, "step", g->name, "%s", text);
	if (guest_is_lost(g, GUEST_TEST_OVER))
		runner_give_up_soon(r, g);
}

static void on_console(struct guest *g, const char *line, void *arg)
{
	struct runner *r = arg;

	viv_events_say(&r->out, "console", g->name, "%s", line);
}

static void on_warning(struct guest *g, const char *text, void *arg)
{
	struct runner *r = arg;

	viv_events_say(&r->out, "warning", g->name, "%s", text);
}

static void on_log(struct guest *g, const char *text, void *arg)
{
	struct runner *r = arg;

	viv_events_say(&r->out, "log", g->name, "%s", text);
}

/* What building tells */

static struct runner *runner_of_report(struct viv_report *report)
{
	return (struct runner *)((char *)report - offsetof(struct runner, report));
}

static void on_message(struct viv_report *report, enum viv_level level, const char *text)
{
	struct runner *r = runner_of_report(report);

	if (level == VIV_WARNING)
		viv_events_say(&r->out, "warning", NULL, "%s", text);
	else if (level == VIV_INFO)
		viv_events_say(&r->out, "log", NULL, "%s", text);
}

static void on_begin(struct viv_report *report, const char *task, uint64_t total)
{
	viv_events_say(&runner_of_report(report)->out, "build", NULL, "%s", task);
}

/* Signals */

static int on_signal(struct viv_source *s, int signo, void *arg)
{
	struct runner *r = arg;

	if (r->prompt && prompt_interrupt(r->prompt, signo))
		return 0;
	r->signal = signo;
	if (r->script)
		viv_lua_script_interrupt(r->script);
	runner_wake(r);
	return 0;
}

static int watch_signals(struct runner *r, struct viv_error *err)
{
	static const int all[] = {SIGINT, SIGTERM, SIGHUP};
	int code = 0;

	for (size_t i = 0; code == 0 && i < VIV_ARRAY_SIZE(all); i++)
		code = viv_loop_add_signal(r->loop, all[i], on_signal, r, NULL, err);
	return code;
}

/* Preparation: an error here says nothing about what is under test */

static int open_all(struct runner *r, struct viv_error *err)
{
	int code = viv_loop_new(&r->loop, err);

	if (code == 0)
		code = watch_signals(r, err);
	if (code == 0)
		code = viv_store_open(r->run->store, &r->store, err);
	if (code == 0)
		code = viv_dir_runtime(&r->runtime, err);
	if (code < 0)
		return code;
	return viv_test_dir_take(r->runtime, &r->dir, err);
}

static void test_spec(const struct viv_test_run *run, const char *machine, struct viv_config_test *ret)
{
	*ret = (struct viv_config_test){
		.machine = machine,
		.matrix = run->matrix,
		.n_matrix = run->n_matrix,
		.params = run->params,
		.n_params = run->n_params,
		.reserved = viv_test_reserved(),
		.text = run->text,
	};
}

static int load_guest(struct runner *r, const char *name, struct viv_error *err)
{
	const struct guest_events events = {.changed = on_changed, .started = runner_on_started, .ended = on_ended, .console = on_console,
					    .report = runner_on_report, .warning = on_warning, .log = on_log,
					    .arg = r};
	struct viv_config_test test;
	struct viv_config_request req = {.file = r->run->shown, .settings = r->run->settings,
					 .n_settings = r->run->n_settings, .test = &test};
	struct viv_config *config;
	struct guest *g;
	int code;

	test_spec(r->run, name, &test);
	code = viv_config_load(&req, &r->report, &config, err);
	if (code < 0)
		return code;
	r->guests[r->n_guests++] = g = guest_new(r->loop, name, config, r->dir.path, r->run->folder, &events);
	viv_strv_push(&r->result.machines, name);
	if (r->run->folder) {
		VIV_FREE char *path = viv_asprintf("%s/%s.console.log", r->run->folder, name);

		g->log = viv_open(path, O_WRONLY | O_CREAT | O_APPEND, 0644, err);
		if (g->log < 0)
			return g->log;
	}
	return guest_build(g, r->store, &r->run->programs, &r->report, err);
}

/* What happens, with its times, among what the test leaves. */
static int open_log(struct runner *r, struct viv_error *err)
{
	VIV_FREE char *path = r->run->folder ? viv_path_join(r->run->folder, "events.jsonl") : NULL;

	if (path)
		r->out.log = viv_open(path, O_WRONLY | O_CREAT | O_APPEND, 0644, err);
	return VIV_MIN(r->out.log, 0);
}

static int load_guests(struct runner *r, struct viv_error *err)
{
	size_t i;
	json_t *name;
	int code = 0;

	r->guests = viv_new_array(struct guest *, json_array_size(r->run->machines));
	json_array_foreach((json_t *)r->run->machines, i, name) {
		if (viv_hold_pending())
			return viv_error_say(err, EINTR, "interrupted");
		code = load_guest(r, json_string_value(name), err);
		if (code < 0)
			break;
	}
	return code;
}

static void on_failed(lua_State *L, void *arg)
{
	struct runner *r = arg;

	if (r->prompt)
		prompt_failed(r->prompt, L);
}

static void on_event(const json_t *event, void *arg)
{
	struct runner *r = arg;

	prompt_tell(r->prompt, event);
}

static int load_script(struct runner *r, struct viv_error *err)
{
	struct viv_config_test test;
	VIV_FREE char *path = NULL;
	struct viv_lua_script_spec spec = {
		.shown = r->run->shown,
		.test = &test,
		.report = &r->report,
		.lookup = call_lookup,
		.mistake = call_mistake,
		.failed = on_failed,
		.arg = r,
		.note = r->run->note,
	};
	int code;

	code = viv_path_absolute(r->run->file ? r->run->file : "machine", &path, err);
	if (code < 0)
		return code;
	spec.path = path;
	test_spec(r->run, NULL, &test);
	code = viv_lua_script_load(&spec, &r->script, err);
	if (code == 0)
		call_open(r, viv_lua_script_state(r->script));
	return code;
}

/* The verdict */

void runner_set_verdict(struct runner *r, enum viv_verdict verdict, const char *reason)
{
	r->result.verdict = verdict;
	free(r->result.reason);
	r->result.reason = viv_strdup(reason);
}

/* The first line of the trace is where it failed: "web.test.lua:12: in function …". */
static void take_trace(struct runner *r, const struct viv_strv *trace, struct viv_str *details)
{
	const char *first = trace->count ? trace->items[0] : NULL, *end;

	if (r->run->text)
		return; /* nobody wrote those lines */
	if (first) {
		end = strstr(first, ": ");
		r->result.place = end ? viv_strndup(first, (size_t)(end - first)) : viv_strdup(first);
	}
	if (trace->count > 1)
		viv_str_add(details, "stack:\n");
	for (size_t i = 0; trace->count > 1 && i < trace->count; i++)
		viv_str_addf(details, "  %s\n", trace->items[i]);
}

/* Lua's own errors begin with it. */
static const char *without_place(const char *reason, const char *place)
{
	size_t n = place ? strlen(place) : 0;

	return n && strncmp(reason, place, n) == 0 && viv_starts_with(reason + n, ": ") ? reason + n + 2 : reason;
}

static bool failed_of(const struct viv_test_subtest *s, const char *reason)
{
	return !viv_verdict_is_ok(s->verdict) && s->reason && viv_streq(s->reason, reason);
}

/* "subtest: a: b", of what failed in one: its parents failed of the same. */
static void name_subtest(const struct runner *r, const char *reason, struct viv_str *details)
{
	const struct viv_test_subtests *list = &r->result.subtests;
	const char *parts[VIV_TEST_DEPTH_MAX + 1] = {0};
	size_t at = list->count, depth;

	while (at && !failed_of(&list->items[at - 1], reason))
		at--;
	if (!at)
		return;
	depth = list->items[--at].depth;
	for (size_t i = 0; i <= at; i++)
		parts[list->items[i].depth] = list->items[i].name;
	for (size_t i = 0; i <= depth; i++)
		viv_str_addf(details, "%s%s", i ? ": " : "subtest: ", parts[i]);
	viv_str_add_char(details, '\n');
}

static void take_failure(struct runner *r, int code, const struct viv_strv *trace)
{
	VIV_CLEANUP(runner_failure_free_contents) struct runner_failure f = {0};
	VIV_STR details = VIV_STR_INIT;

	if (code == -EINVAL) {
		call_take_value(viv_lua_script_state(r->script), &f);
	} else if (r->final.reason) {
		f = r->final;
		r->final = (struct runner_failure){0};
	} else if (code == -ETIMEDOUT) {
		f = (struct runner_failure){VIV_VERDICT_TIMEOUT, viv_strdup("the test's time was up"), NULL};
	} else {
		f = (struct runner_failure){VIV_VERDICT_ERROR,
					    viv_strdup(code == -EINTR	 ? "interrupted"
						       : code == -ENOMEM ? "the test takes too much memory"
									 : strerror(-code)),
					    NULL};
	}
	if (code == -EINVAL)
		name_subtest(r, f.reason, &details);
	viv_str_add(&details, f.details ? f.details : "");
	take_trace(r, trace, &details);
	runner_set_verdict(r, f.verdict, without_place(f.reason, r->result.place));
	r->result.details = details.len ? viv_str_steal(&details) : NULL;
}

/* Of a run before, at a prompt. */
static void clear_verdict(struct runner *r)
{
	runner_set_verdict(r, VIV_VERDICT_PASS, NULL);
	viv_test_subtests_free(&r->result.subtests);
	free(viv_steal(r->result.place));
	free(viv_steal(r->result.details));
	r->depth = 0;
}

static bool nobody_dumps(void *arg)
{
	const struct runner *r = arg;

	for (size_t i = 0; i < r->n_guests; i++)
		if (dump_is_under_way(r->guests[i]) || (guest_is_on(r->guests[i]) && viv_vm_is_dumping(r->guests[i]->vm)))
			return false;
	return true;
}

/* What a kernel that panicked leaves is worth as much of the test's time as there is. */
static void let_dump(struct runner *r)
{
	if (r->prompt || nobody_dumps(r))
		return;
	viv_events_say(&r->out, "step", NULL, "waiting for a crash dump");
	runner_wait(r, NULL, nobody_dumps, r, 0);
}

/* That a machine died is no less true where nothing has needed it since: its test has not been what it says. */
static void take_ends(struct runner *r)
{
	VIV_STR details = VIV_STR_INIT;

	for (size_t i = 0; i < r->n_guests; i++) {
		struct guest *g = r->guests[i];
		VIV_FREE char *text = NULL, *reason = NULL;

		if (!guest_is_lost(g, GUEST_TEST_OVER))
			continue;
		g->end_told = true;
		text = guest_lost_text(g);
		reason = viv_asprintf("%s: %s", g->name, text);
		if (viv_verdict_is_ok(r->result.verdict))
			runner_set_verdict(r, VIV_VERDICT_FAIL, reason);
		else
			viv_str_addf(&details, "%s\n", reason);
		guest_add_tail(g, &details);
	}
	if (!details.len)
		return;
	viv_str_add(&details, r->result.details ? r->result.details : "");
	free(r->result.details);
	r->result.details = viv_str_steal(&details);
}

void runner_call_test(struct runner *r)
{
	VIV_STRV trace = VIV_STRV_INIT;
	int code;

	clear_verdict(r);
	if (!viv_lua_script_push(r->script, r->run->name)) {
		runner_set_verdict(r, VIV_VERDICT_ERROR, "there is no test of that name any more");
		return;
	}
	runner_expect_all(r, r->run->expect);
	viv_events_tell(&r->out, "begin", NULL);
	r->result.prepared = r->result.prepared ? r->result.prepared : viv_now_ms() - r->out.begun;
	r->deadline = r->run->limit_ms ? viv_now_ms() + r->run->limit_ms : 0;
	viv_lua_script_set_deadline(r->script, r->deadline);
	r->over = false;
	code = viv_lua_script_call(r->script, 0, 0, &trace);
	r->over = true;
	let_dump(r);
	r->deadline = 0;
	if (code < 0)
		take_failure(r, code, &trace);
	take_ends(r);
}

static void call_test(struct runner *r)
{
	if (r->prompt)
		prompt_run_test(r->prompt);
	else
		runner_call_test(r);
}

/* A kernel in trouble is what there is to know first, whatever came of it. */
static void take_crash(struct runner *r)
{
	if (!r->crash.what)
		return;
	if (r->result.reason)
		viv_str_addf(&r->crash.details, "then: %s\n", r->result.reason);
	viv_str_add(&r->crash.details, r->result.details ? r->result.details : "");
	runner_set_verdict(r, VIV_VERDICT_CRASH, r->crash.what);
	free(r->result.details);
	r->result.details = viv_str_steal(&r->crash.details);
}

/* The end */

struct guest *runner_find(struct runner *r, const char *name)
{
	for (size_t i = 0; i < r->n_guests; i++)
		if (viv_streq(r->guests[i]->name, name) || viv_streq(r->guests[i]->global, name))
			return r->guests[i];
	return NULL;
}

/* What still runs is ended as a power cut ends it: nobody needs its disk any more. */
static void end_guests(struct runner *r)
{
	for (size_t i = 0; i < r->n_guests; i++) {
		struct guest *g = r->guests[i];
		bool placed = g->started_at && *g->started_at && !r->run->text;

		if (!guest_is_on(g))
			continue;
		viv_events_say(&r->out, "step", g->name, "still running%s%s%s: ended", placed ? " (started at " : "",
			       placed ? g->started_at : "", placed ? ")" : "");
		viv_strv_pushf(&r->result.running, "%s%s%s%s", g->name, placed ? " (started at " : "", placed ? g->started_at : "",
			       placed ? ")" : "");
	}
	for (size_t i = 0; i < r->n_guests; i++)
		guest_free(r->guests[i]);
	free(r->guests);
	r->guests = NULL;
	r->n_guests = 0;
	runner_network_free(r);
}

bool runner_all_off(void *arg)
{
	const struct runner *r = arg;

	for (size_t i = 0; i < r->n_guests; i++)
		if (guest_is_on(r->guests[i]))
			return false;
	return true;
}

static bool is_all_over(void *arg)
{
	return runner_all_off(arg) && nobody_dumps(arg);
}

static bool wants_to_keep(struct runner *r)
{
	return r->run->keep && !r->signal && (r->crash.what || !viv_verdict_is_ok(r->result.verdict)) && !runner_all_off(r);
}

static void tell_result(struct runner *r)
{
	r->result.ms = viv_now_ms() - r->out.begun;
	viv_events_tell(&r->out, "result", json_pack("{s:o}", "result", viv_test_result_json(&r->result)));
}

/* In the background, until each has been stopped. */
static void keep_guests(struct runner *r)
{
	for (size_t i = 0; i < r->n_guests; i++) {
		struct guest *g = r->guests[i];

		if (guest_is_on(g))
			viv_events_say(&r->out, "kept", g->name, "runs on: viv shell %s, viv exec %s -- CMD, viv stop %s",
				       g->dir.name, g->dir.name, g->dir.name);
	}
	viv_detach_stay("/dev/null");
	viv_close(r->out.fd);
	r->out.fd = -1;
	runner_wait(r, NULL, is_all_over, r, 0);
}

static void close_all(struct runner *r)
{
	viv_lua_script_free(r->script);
	viv_machine_dir_release(&r->dir);
	viv_store_closep(&r->store);
	viv_loop_free(r->loop);
	runner_failure_free_contents(&r->final);
	runner_crash_free_contents(&r->crash);
	free(r->broken);
	viv_strv_free(&r->missing);
	free(r->runtime);
}

static void begin_result(struct runner *r)
{
	const struct viv_test_run *run = r->run;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	r->result = (struct viv_test_result){
		.file = viv_strdup(run->shown),
		.line = run->line,
		.name = viv_strdup(run->name),
		.combination = viv_strdup(run->combination),
		.title = viv_strdup(run->title),
		.begun = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
		.attempt = run->attempt,
		.folder = run->folder ? viv_strdup(viv_path_base(run->folder)) : NULL,
	};
}

void viv_test_run(const struct viv_test_run *run, int events_fd)
{
	struct runner r = {.run = run, .dir = VIV_MACHINE_DIR_INIT, .out = {.fd = events_fd, .begun = viv_now_ms()},
			   .report = {.message = on_message, .begin = on_begin}};
	VIV_ERROR err = VIV_ERROR_INIT;
	int code;

	begin_result(&r);
	code = open_all(&r, &err);
	if (code == 0 && run->prompt) {
		r.prompt = prompt_new(&r);
		r.out.shown = on_event;
		r.out.arg = &r;
	}
	if (code == 0)
		code = open_log(&r, &err);
	if (code == 0)
		code = load_guests(&r, &err);
	if (code == 0)
		code = load_script(&r, &err);
	if (code < 0)
		runner_set_verdict(&r, VIV_VERDICT_ERROR, err.msg ? err.msg : strerror(-code));
	else
		call_test(&r);
	prompt_free(viv_steal(r.prompt));
	r.out.shown = NULL;
	for (size_t i = 0; i < r.n_guests; i++)
		guest_hear(r.guests[i]);
	if (wants_to_keep(&r)) {
		take_crash(&r);
		tell_result(&r);
		keep_guests(&r);
		end_guests(&r);
	} else {
		end_guests(&r);
		take_crash(&r);
		tell_result(&r);
	}
	viv_events_end(&r.out);
	close_all(&r);
	viv_test_result_free_contents(&r.result);
}
