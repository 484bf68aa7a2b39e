/* SPDX-License-Identifier: MIT */
#include "cmd/test.h"

#include "base/duration.h"
#include "base/loop.h"
#include "cmd/guest.h"
#include "cmd/store.h"

#include <signal.h>
#include <unistd.h>

static const struct viv_flag flags[] = {
	{"only", 0, "NAME", "only tests with this in their title; may be given several times"},
	{"param", 0, "NAME=VALUE", "what param(NAME) is in the files; may be given several times"},
	{"jobs", 'j', "N", "so many tests at once (default: one a processor, as memory allows)"},
	{"retry", 0, "N", "run a test that does not pass again, up to N times"},
	{"timeout", 't', "TIME", "a test's time, where it does not say itself (default: 1h)"},
	{"wait-timeout", 0, "TIME", "a wait's time, where it does not say itself (default: 15m)"},
	{"list", 'l', NULL, "list the tests, run none"},
	{"log", 0, NULL, "show everything as it happens (default: for a single test)"},
	VIV_CONFIG_FLAGS,
	{0},
};

/* All that a run needs. */
struct test {
	struct viv_cmd *cmd;
	const struct viv_args *args;
	struct viv_suite suite;
	struct viv_driver_spec spec;
	struct viv_guest_programs programs;
	struct viv_strv texts; /* of settings and params */
	struct viv_config_setting *settings;
	struct viv_config_choice *params;
	const char **only;
	struct viv_test_log log;
};

static void on_begin(const struct viv_test_case *c, unsigned attempt, void *arg)
{
	viv_test_log_begin(&((struct test *)arg)->log, c, attempt);
}

static void on_event(const struct viv_test_case *c, const json_t *event, void *arg)
{
	viv_test_log_event(&((struct test *)arg)->log, c, event);
}

static void on_end(const struct viv_test_case *c, const struct viv_test_result *r, bool final, void *arg)
{
	viv_test_log_end(&((struct test *)arg)->log, r, final);
}

static int read_param(struct test *t, const char *text, struct viv_config_choice *ret)
{
	const char *is = strchr(text, '=');

	if (!is || is == text)
		return viv_cmd_usage(t->cmd, "--param %s: expected NAME=VALUE", text);
	viv_strv_take(&t->texts, viv_strndup(text, (size_t)(is - text)));
	*ret = (struct viv_config_choice){t->texts.items[t->texts.count - 1], is + 1};
	return 0;
}

static int read_number(struct test *t, const char *flag, uint64_t from, uint64_t max, unsigned *ret)
{
	const char *text = viv_args_value(t->args, flag);
	uint64_t n;

	if (!text)
		return 0;
	if (!viv_slice_u64(viv_slice(text), max, &n) || n < from)
		return viv_cmd_usage(t->cmd, "--%s %s: expected a number from %llu to %llu", flag, text,
				     (unsigned long long)from, (unsigned long long)max);
	*ret = (unsigned)n;
	return 0;
}

/* 0, or the exit status of a wrong call. */
static int read_flags(struct test *t, struct viv_suite_spec *suite, struct viv_error *err)
{
	const struct viv_args *args = t->args;
	size_t n_only = 0;
	int r = read_number(t, "jobs", 1, 1000, &t->spec.jobs);

	if (r == 0)
		r = read_number(t, "retry", 0, 100, &t->spec.retry);
	t->params = viv_new_array(struct viv_config_choice, args->n_given + 1);
	t->only = viv_new_array(const char *, args->n_given + 1);
	for (size_t i = 0; r == 0 && i < args->n_given; i++) {
		if (viv_streq(args->given[i].flag->name, "param"))
			r = read_param(t, args->given[i].value, &t->params[t->spec.n_params++]);
		else if (viv_streq(args->given[i].flag->name, "only"))
			t->only[n_only++] = args->given[i].value;
	}
	if (r == 0 && viv_args_has(args, "timeout"))
		r = viv_parse_duration(viv_args_value(args, "timeout"), &t->spec.limit_ms, err);
	if (r == 0 && viv_args_has(args, "wait-timeout"))
		r = viv_parse_duration(viv_args_value(args, "wait-timeout"), &t->spec.wait_ms, err);
	if (r == 0)
		r = viv_cmd_settings(args, &t->texts, &t->settings, &t->spec.n_settings, err);
	t->spec.params = t->params;
	t->spec.settings = t->settings;
	*suite = (struct viv_suite_spec){
		.paths = args->operands,
		.params = t->params,
		.n_params = t->spec.n_params,
		.settings = t->settings,
		.n_settings = t->spec.n_settings,
		.only = t->only,
	};
	return r;
}

static int list(const struct test *t)
{
	VIV_JSON *all = json_array();

	for (size_t i = 0; i < t->suite.n; i++) {
		const struct viv_test_case *c = &t->suite.cases[i];

		if (t->cmd->json)
			json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:i, s:o}", "title", viv_json_text(c->title),
							     "file", viv_json_text(c->shown), "name",
							     viv_json_text(c->name), "line", c->line, "error",
							     viv_json_text(c->error)));
		else
			viv_cmd_print(stdout, "%s%s%s%s\n", c->title, c->error ? ": " : "", c->error ? c->error : "",
				      c->skip ? " (skipped)" : "");
	}
	if (t->cmd->json)
		viv_cmd_print_json(viv_steal(all));
	return VIV_EXIT_OK;
}

static int run_all(struct test *t, struct viv_error *err)
{
	int signal = 0, r = viv_guest_programs_find(&t->programs, err);

	if (r < 0)
		return r;
	t->spec.suite = &t->suite;
	t->spec.store = t->cmd->store;
	t->spec.programs = (struct guest_programs){t->programs.init, t->programs.agent};
	t->spec.begin = on_begin;
	t->spec.event = on_event;
	t->spec.end = on_end;
	t->spec.arg = t;
	t->log = (struct viv_test_log){
		.cmd = t->cmd,
		.live = t->suite.n == 1 || viv_args_has(t->args, "log"),
		.colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
		.n = t->suite.n,
		.begun = viv_now_ms(),
	};
	r = viv_driver_run(&t->spec, &signal, err);
	if (r < 0)
		return r;
	viv_test_log_summary(&t->log);
	if (signal)
		return VIV_EXIT_SIGNAL + signal;
	return t->log.counts[VIV_VERDICT_PASS] + t->log.counts[VIV_VERDICT_SKIP] == t->suite.n ? VIV_EXIT_OK
												: VIV_EXIT_FAILED;
}

static int go(struct test *t, struct viv_error *err)
{
	struct viv_suite_spec spec;
	int r = read_flags(t, &spec, err);

	if (r != 0)
		return r;
	r = viv_suite_collect(&spec, t->cmd->report, &t->suite, err);
	if (r < 0)
		return r;
	if (t->suite.unused_params.count)
		return viv_error_say(err, ENOENT, "--param %s: no test file asks for it", t->suite.unused_params.items[0]);
	if (!t->suite.n)
		return viv_error_say(err, ENOENT, "there is no test of that name\n`viv test --list` shows which there are");
	return viv_args_has(t->args, "list") ? list(t) : run_all(t, err);
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	struct test t = {.cmd = cmd, .args = args};
	int status = go(&t, err);

	viv_suite_free_contents(&t.suite);
	viv_guest_programs_free(&t.programs);
	viv_strv_free(&t.texts);
	free(t.settings);
	free(t.params);
	free(t.only);
	return status;
}

const struct viv_command viv_command_test = {
	.name = "test",
	.summary = "Run tests in machines",
	.operands = "[PATH…]",
	.about = "PATH is a test file, or a folder with *.test.lua in it or below; without it: this folder.\n"
		 "Each test begins on fresh machines, several tests run at once. The exit status is 0 if all\n"
		 "passed or were skipped, 1 if not. docs/testing.md tells how tests are written.",
	.flags = flags,
	.max_operands = 1000,
	.run = run,
};
