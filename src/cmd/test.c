/* SPDX-License-Identifier: MIT */
#include "cmd/test.h"

#include "base/duration.h"
#include "base/path.h"
#include "cmd/guest.h"
#include "cmd/store.h"
#include "test/durations.h"
#include "test/tap.h"

#include <unistd.h>

static const struct viv_flag flags[] = {
	{"only", 0, "NAME", "only tests of that name or title, else with it in their title; * is any text; may be given several times"},
	VIV_PARAM_FLAG,
	{"jobs", 'j', "N", "so many tests at once (default: one a processor, as memory allows)"},
	{"retry", 0, "N", "run a test that does not pass again, up to N times"},
	{"timeout", 't', "TIME", "a test's time, where it does not say itself (default: 1h)"},
	{"wait-timeout", 0, "TIME", "a wait's time, where it does not say itself (default: 15m)"},
	{"machine", 0, "FILE", "the machine file of a command after -- (default: vm.lua, else the default machine)"},
	{"interactive", 'i', NULL, "a prompt before the (only) test, and where it fails, with its machines alive"},
	{"keep", 0, NULL, "machines of a test that fails go on running, until they are stopped (viv ps, viv stop)"},
	{"list", 'l', NULL, "list the tests, run none"},
	{"results", 'o', "FOLDER", "where results go (default: with the user's state; --report shows them)"},
	{"report", 0, NULL, "print what the last run came to, run nothing"},
	{"tap", 0, NULL, "print the results as TAP 14, and nothing else"},
	{"shard", 0, "I/N", "run the I-th of N parts of the tests"},
	{"durations", 0, "FILE", "how long tests take: read to run the longest first, and kept up to date"},
	{"methods", 0, NULL, "list what a test can call"},
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
	struct viv_test_prompt prompt;
	char *history;
	char *durations; /* where what is measured goes; may be NULL */
	struct viv_test_folder *folder;
	struct viv_test_results results; /* so far */
	struct viv_test_results planned; /* of all: what is said of those that never begin */
	bool trouble; /* the results could not be written: it was said */
};

/* Results that can't be written are no reason to stop, but none to say that all is well; it is said once. */
static void complain(struct test *t, struct viv_error *err)
{
	if (!t->trouble)
		viv_say(t->cmd->report, VIV_WARNING, "%s", err->msg);
	t->trouble = true;
	viv_error_clear(err);
}

static void on_begin(const struct viv_test_case *c, unsigned attempt, void *arg)
{
	struct test *t = arg;

	viv_test_log_begin(&t->log, c, attempt);
	viv_task_advance(t->cmd->report, t->log.done, c->title);
}

static void on_event(const struct viv_test_case *c, const json_t *event, void *arg)
{
	struct test *t = arg;
	VIV_STR line = VIV_STR_INIT;

	if (t->spec.prompt && !viv_streq(viv_json_str(event, "event"), "kept"))
		return; /* the test's own process shows it */
	viv_test_log_event(&t->log, c, event);
	if (!t->cmd->json)
		return;
	json_object_set_new((json_t *)event, "test", viv_json_text(c->title));
	viv_json_canonical(event, &line);
	viv_str_add_char(&line, '\n');
	viv_test_output_add(&t->log.output, viv_test_log_weight(event), &line);
}

static char *on_folder(const struct viv_test_case *c, unsigned attempt, void *arg)
{
	struct test *t = arg;
	VIV_FREE char *name = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_test_folder_begin(t->folder, c->title, &name, &err) == 0)
		return viv_path_join(viv_test_folder_path(t->folder), name);
	complain(t, &err);
	return NULL;
}

static void on_end(const struct viv_test_case *c, const struct viv_test_result *r, bool final, void *arg)
{
	struct test *t = arg;
	struct viv_test_result copy = {0};
	VIV_JSON *j = viv_test_result_json(r);
	VIV_STR line = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	viv_test_log_end(&t->log, r, final);
	if (viv_test_folder_add(t->folder, r, &err) < 0)
		complain(t, &err);
	if (viv_test_result_parse(j, &copy, NULL) == 0)
		viv_test_results_take(&t->results, &copy);
	if (!t->cmd->json)
		return;
	viv_str_add(&line, "{\"event\":\"result\",\"result\":");
	viv_json_canonical(j, &line);
	viv_str_add(&line, "}\n");
	viv_test_output_add(&t->log.output, VIV_TEST_RESULT, &line);
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

static int read_time(struct test *t, const char *flag, int64_t *ret_ms, struct viv_error *err)
{
	const char *text = viv_args_value(t->args, flag);
	int r = text ? viv_parse_duration(text, ret_ms, err) : 0;

	return r < 0 ? viv_error_context(err, "--%s", flag) : 0;
}

/* 0, or the exit status of a wrong call. */
static int read_flags(struct test *t, struct viv_suite_spec *suite, struct viv_error *err)
{
	const struct viv_args *args = t->args;
	size_t n_only = 0;
	int r = read_number(t, "jobs", 1, 1000, &t->spec.jobs);

	if (r == 0)
		r = read_number(t, "retry", 0, 100, &t->spec.retry);
	t->only = viv_new_array(const char *, args->n_given + 1);
	for (size_t i = 0; i < args->n_given; i++)
		if (viv_streq(args->given[i].flag->name, "only"))
			t->only[n_only++] = args->given[i].value;
	if (r == 0)
		r = viv_cmd_params(t->cmd, args, &t->texts, &t->params, &t->spec.n_params);
	if (r == 0)
		r = read_time(t, "timeout", &t->spec.limit_ms, err);
	if (r == 0)
		r = read_time(t, "wait-timeout", &t->spec.wait_ms, err);
	if (r == 0)
		r = viv_cmd_settings(args, &t->texts, &t->settings, &t->spec.n_settings, err);
	if (r == 0 && args->command && args->n_operands)
		r = viv_cmd_usage(t->cmd, "\"%s\": test files and a command after -- exclude each other", args->operands[0]);
	else if (r == 0 && !args->command && viv_args_has(args, "machine"))
		r = viv_cmd_usage(t->cmd, "--machine is for a command: viv test --machine FILE -- ./script.sh");
	t->spec.params = t->params;
	t->spec.settings = t->settings;
	*suite = (struct viv_suite_spec){
		.paths = args->operands,
		.command = args->command,
		.machine = viv_args_value(args, "machine"),
		.params = t->params,
		.n_params = t->spec.n_params,
		.settings = t->settings,
		.n_settings = t->spec.n_settings,
		.only = t->only,
	};
	return r;
}

/* Files that can't be loaded are told on stderr, so that what is listed are tests; as JSON they have their `error`. */
static int list(const struct test *t)
{
	VIV_JSON *all = json_array();
	bool wrong = false;

	for (size_t i = 0; i < t->suite.n; i++) {
		const struct viv_test_case *c = &t->suite.cases[i];

		if (t->cmd->json)
			json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:i, s:o}", "title", viv_json_text(c->title),
							     "file", viv_json_text(c->shown), "name",
							     viv_json_text(c->name), "line", c->line, "error",
							     viv_json_text(c->error)));
		else if (c->error)
			viv_cmd_print(stderr, "viv: %s\n", c->error);
		else
			viv_cmd_print(stdout, "%s%s\n", c->title, c->skip ? " (skipped)" : "");
		wrong = wrong || c->error;
	}
	if (t->cmd->json)
		viv_cmd_print_json(viv_steal(all));
	return wrong ? VIV_EXIT_FAILED : VIV_EXIT_OK;
}

/* After the last test: what is made of all results. */
static void finish(struct test *t)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR text = VIV_STR_INIT;

	if (viv_test_folder_finish(t->folder, &err) < 0)
		complain(t, &err);
	if (t->durations && viv_test_durations_merge(t->durations, &t->results, &err) < 0)
		complain(t, &err);
	viv_test_results_fill(&t->results, &t->planned);
	if (viv_args_has(t->args, "tap")) {
		viv_test_tap(&t->results, &text);
		viv_test_output_add(&t->log.output, VIV_TEST_RESULT, &text);
	}
	viv_test_log_summary(&t->log);
	viv_say(t->cmd->report, VIV_INFO, "results: %s", viv_test_folder_path(t->folder));
}

/* Written down before the first one begins, so that a run that is cut off shows what is missing. */
static void plan(struct test *t)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	for (size_t i = 0; i < t->suite.n; i++) {
		struct viv_test_result r = viv_test_case_result(&t->suite.cases[i], VIV_VERDICT_ERROR);

		r.reason = viv_strdup("not run");
		viv_test_results_take(&t->planned, &r);
	}
	if (viv_test_folder_plan(t->folder, &t->planned, &err) < 0)
		complain(t, &err);
}

static void prepare(struct test *t)
{
	plan(t);
	t->spec.suite = &t->suite;
	t->spec.store = t->cmd->store;
	t->spec.programs = (struct guest_programs){t->programs.init, t->programs.agent};
	t->spec.begin = on_begin;
	t->spec.event = on_event;
	t->spec.end = on_end;
	t->spec.folder = on_folder;
	t->spec.keep = viv_args_has(t->args, "keep");
	t->spec.arg = t;
	t->log = viv_test_log_new(t->cmd, t->suite.n == 1 || viv_args_has(t->args, "log"));
	t->log.n = t->suite.n;
	if (t->log.live && t->suite.n > 1 && viv_driver_at_once(&t->spec) > 1)
		viv_test_log_label(&t->log, &t->suite);
	t->log.mute = t->cmd->json || viv_args_has(t->args, "tap");
}

static void show_at_prompt(const json_t *event, void *arg)
{
	struct test *t = arg;

	viv_test_log_event(&t->log, &t->suite.cases[0], event);
}

/* -i: the one test. 0, or the exit status of a wrong call. */
static int prepare_prompt(struct test *t)
{
	VIV_FREE char *state = viv_dir_state();

	if (!viv_args_has(t->args, "interactive"))
		return 0;
	if (t->cmd->json || viv_args_has(t->args, "tap"))
		return viv_cmd_usage(t->cmd, "-i is for people: it goes neither with --json nor with --tap");
	if (t->suite.n > 1)
		return viv_cmd_usage(t->cmd, "-i is for a single test, and there are %zu: --only NAME names one "
					     "(viv test --list shows them)", t->suite.n);
	t->history = viv_path_join(state, "test-history");
	t->prompt = (struct viv_test_prompt){.in_fd = STDIN_FILENO, .out = stdout, .history = t->history,
					     .show = show_at_prompt, .arg = t};
	t->spec.prompt = &t->prompt;
	t->spec.retry = 0;
	return 0;
}

/* A test that isn't run because nobody could look for it is nothing to find out later. */
static void tell_unread(struct test *t, bool as_event)
{
	for (size_t i = 0; i < t->suite.unread.count; i++) {
		VIV_FREE char *said = viv_asprintf("%s: not looked into for tests", t->suite.unread.items[i]);
		VIV_JSON *event = json_pack("{s:s, s:n, s:o}", "event", "warning", "machine", "text", viv_json_text(said));
		VIV_STR line = VIV_STR_INIT;

		viv_json_canonical(event, &line);
		viv_str_add_char(&line, '\n');
		if (as_event)
			viv_test_output_add(&t->log.output, VIV_TEST_EVENT, &line);
		else
			viv_say(t->cmd->report, VIV_WARNING, "%s", said);
	}
}

static int run_all(struct test *t, struct viv_error *err)
{
	int signal = 0, r = viv_guest_programs_find(&t->programs, err);

	if (r == 0)
		r = prepare_prompt(t);
	if (r == 0)
		r = viv_test_open_results(viv_args_value(t->args, "results"), &t->folder, err);
	if (r != 0)
		return r;
	prepare(t);
	if (!t->spec.prompt) /* there the test's own process says things, too */
		r = viv_test_output_open(&t->log.output, err);
	if (r < 0)
		return r;
	if (t->cmd->json)
		tell_unread(t, true);
	if (!t->log.live)
		viv_task_begin(t->cmd->report, t->suite.n, "testing");
	r = viv_driver_run(&t->spec, &signal, err);
	if (!t->log.live)
		viv_task_end(t->cmd->report, r == 0);
	if (r < 0)
		return r;
	finish(t);
	viv_test_output_close(&t->log.output, signal != 0);
	if (signal)
		return VIV_EXIT_SIGNAL + signal;
	if (t->trouble)
		return VIV_EXIT_ENVIRONMENT;
	return t->log.counts[VIV_VERDICT_PASS] + t->log.counts[VIV_VERDICT_SKIP] == t->suite.n ? VIV_EXIT_OK
												: VIV_EXIT_FAILED;
}

/* What would be passed over in silence. 0, or the exit status of a wrong call. */
static int check_call(const struct test *t)
{
	static const char *const alone[] = {"methods", "report"};

	if (t->cmd->json && viv_args_has(t->args, "tap"))
		return viv_cmd_usage(t->cmd, "--json and --tap exclude each other: both are for stdout");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(alone); i++)
		if (viv_args_has(t->args, alone[i]) && (t->args->n_operands || t->args->command))
			return viv_cmd_usage(t->cmd, "\"%s\": --%s runs no tests, and takes none",
					     t->args->n_operands ? t->args->operands[0] : t->args->command[0], alone[i]);
	return 0;
}

static int go(struct test *t, struct viv_error *err)
{
	struct viv_suite_spec spec;
	int r = check_call(t);

	if (r != 0)
		return r;
	if (viv_args_has(t->args, "methods"))
		return viv_test_methods(t->cmd);
	if (viv_args_has(t->args, "report"))
		return viv_test_report(t->cmd, viv_args_value(t->args, "results"), viv_args_has(t->args, "tap"), err);
	r = read_flags(t, &spec, err);
	if (r != 0)
		return r;
	r = viv_suite_collect(&spec, t->cmd->report, &t->suite, err);
	if (r < 0)
		return r;
	tell_unread(t, false);
	if (t->suite.unused_params.count)
		return viv_error_say(err, ENOENT, "--param %s: no test file asks for it", t->suite.unused_params.items[0]);
	if (!t->suite.n)
		return viv_error_say(err, ENOENT, "there is no test in what is named");
	r = viv_test_arrange(&t->suite, viv_args_value(t->args, "shard"), viv_args_value(t->args, "durations"),
			     &t->durations, err);
	if (r < 0)
		return r;
	return viv_args_has(t->args, "list") ? list(t) : run_all(t, err);
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	struct test t = {.cmd = cmd, .args = args};
	int status = go(&t, err);

	viv_test_output_close(&t.log.output, true);
	viv_test_log_free_contents(&t.log);
	viv_suite_free_contents(&t.suite);
	viv_test_folder_freep(&t.folder);
	viv_test_results_free(&t.results);
	viv_test_results_free(&t.planned);
	viv_guest_programs_free(&t.programs);
	viv_strv_free(&t.texts);
	free(t.history);
	free(t.durations);
	free(t.settings);
	free(t.params);
	free(t.only);
	return status;
}

const struct viv_command viv_command_test = {
	.name = "test",
	.summary = "Run tests in machines",
	.operands = "[PATH…] [-- CMD…]",
	.about = "PATH is a test file, or a folder with *.test.lua in it or below; without it: this folder.\n"
		 "With CMD that is the test: a script (or any program) of this host, which is copied into the\n"
		 "machine, or a command that the machine has. It passed if it ends with 0, was skipped if it\n"
		 "ends with 4 or 77; TAP that it writes is read.\n"
		 "Each test begins on fresh machines, several tests run at once. The exit status is 0 if all\n"
		 "passed or were skipped, 1 if not. docs/testing.md tells how tests are written.",
	.flags = flags,
	.takes_command = true,
	.max_operands = 1000,
	.run = run,
};
