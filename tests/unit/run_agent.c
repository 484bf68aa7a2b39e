/* SPDX-License-Identifier: MIT */
#include "agent_fixture.h"

static void greets_and_is_booted(void **state)
{
	struct fixture *f = *state;

	run_until(f, &f->booted);
	assert_true(viv_agent_is_ready(f->agent));
}

static void exit_statuses(void **state)
{
	static const struct {
		const char *script;
		int status;
	} cases[] = {
		{"true", 0},	     {"exit 7", 7}, {"exit 255", 255}, {"kill -TERM $$", 143},
		{"kill -9 $$", 137},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++)
		check_shell(*state, cases[i].script, NULL, cases[i].status, "", "");
}

static void three_pipes(void **state)
{
	check_shell(*state, "echo out; echo err >&2", NULL, 0, "out\n", "err\n");
	check_shell(*state, "cat; echo end >&2; exit 3", "in\n", 3, "in\n", "end\n");
	check_shell(*state, "cat; wc -c </dev/stdin", NULL, 0, "0\n", "");
}

static void starts_that_fail(void **state)
{
	static const struct {
		const char *program, *cwd, *user;
		int status;
		const char *error;
	} cases[] = {
		{"no-such-program", NULL, NULL, 127,
		 "no-such-program: command not found in the guest"},
		{"/no/such/program", NULL, NULL, 127,
		 "/no/such/program: command not found in the guest"},
		{"/etc/passwd", NULL, NULL, 126,
		 "/etc/passwd: cannot be executed in the guest: Permission denied"},
		{"/etc", NULL, NULL, 126,
		 "/etc: cannot be executed in the guest: Permission denied"},
		{"true", "/no/such/dir", NULL, 125,
		 "cannot enter /no/such/dir in the guest: No such file or directory"},
		{"true", NULL, "no-such-user", 125, "no user no-such-user in the guest"},
		{"true", NULL, "12x", 125, "no user 12x in the guest"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		const char *argv[] = {cases[i].program, NULL};
		struct viv_command_spec spec = {
			.argv = argv, .cwd = cases[i].cwd, .user = cases[i].user, .in_fd = -1};
		VIV_STR out = VIV_STR_INIT, err = VIV_STR_INIT;
		VIV_FREE char *error = NULL;

		assert_int_equal(run_spec(*state, &spec, &out, &err, &error), cases[i].status);
		assert_string_equal(error, cases[i].error);
		assert_int_equal(out.len + err.len, 0);
	}
	check_shell(*state, "echo still here", NULL, 0, "still here\n", "");
}

static void scripts_without_an_interpreter(void **state)
{
	char dir[] = "/tmp/viv-agent-XXXXXX";
	VIV_FREE char *script = NULL, *error = NULL;
	VIV_STR out = VIV_STR_INIT, err = VIV_STR_INIT;
	struct viv_command_spec spec = {.in_fd = -1};

	assert_non_null(mkdtemp(dir));
	script = viv_asprintf("%s/script", dir);
	spec.argv = (const char *const[]){script, NULL};
	assert_int_equal(viv_write_file(script, "#!/no/such/shell\n", 17, 0755, NULL), 0);
	assert_int_equal(run_spec(*state, &spec, &out, &err, &error), 126);
	assert_non_null(strstr(error, "No such file or directory (its interpreter)"));
	free(viv_steal(error));
	assert_int_equal(viv_write_file(script, "echo hi\n", 8, 0755, NULL), 0);
	assert_int_equal(run_spec(*state, &spec, &out, &err, &error), 126);
	assert_non_null(strstr(error, "Exec format error (no #! line?)"));
	unlink(script);
	rmdir(dir);
}

static void environment_and_folder(void **state)
{
	const char *argv[] = {"sh", "-c", "echo \"$HOME|$USER|$A|$B|$(pwd)|$(umask)|$0\"", NULL};
	const char *env[] = {"A=1=2", "B=", "HOME=/nowhere", NULL};
	struct viv_command_spec spec = {.argv = argv, .env = env, .cwd = "/usr", .in_fd = -1};
	VIV_STR out = VIV_STR_INIT, err = VIV_STR_INIT;

	if (geteuid() == 0)
		spec.user = "root";
	assert_int_equal(run_spec(*state, &spec, &out, &err, NULL), 0);
	if (geteuid() == 0)
		assert_string_equal(out.data, "/nowhere|root|1=2||/usr|0022|sh\n");
	else
		assert_true(viv_starts_with(out.data, "/nowhere|"));
	/* Nothing of the agent's is left open: the shell's three and ls's own folder. */
	check_shell(*state, "ls /proc/self/fd | wc -l; test -z \"$TERM\"", NULL, 0, "4\n", "");
	check_shell(*state, "grep -E 'SigBlk|SigIgn' /proc/self/status", NULL, 0,
		    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", "");
}

static void run_in_usr(struct fixture *f)
{
	const char *argv[] = {"sh", "-c",
			      "echo $PPID $(pwd) $(ls /proc/self/fd | wc -l); cat; "
			      "grep SigBlk /proc/self/status",
			      NULL};
	VIV_FREE char *expected = viv_asprintf("%d /usr 4\nin\nSigBlk:\t0000000000000000\n", f->pid);
	VIV_FD in = text_fd("in\n");
	struct viv_command_spec spec = {.argv = argv, .cwd = "/usr", .in_fd = in};
	VIV_STR out = VIV_STR_INIT, err = VIV_STR_INIT;

	assert_int_equal(run_spec(f, &spec, &out, &err, NULL), 0);
	assert_string_equal(out.data, expected);
	assert_int_equal(err.len, 0);
}

static void check_no_folder(struct fixture *f)
{
	const char *argv[] = {"true", NULL};
	struct viv_command_spec spec = {.argv = argv, .cwd = "/no/such/dir", .in_fd = -1};
	VIV_STR out = VIV_STR_INIT, err = VIV_STR_INIT;
	VIV_FREE char *error = NULL;

	assert_int_equal(run_spec(f, &spec, &out, &err, &error), 125);
	assert_non_null(strstr(error, "cannot enter /no/such/dir"));
}

/* Those that have a folder are started by a process of the agent's, from the second on. */
static void starter(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *path = viv_asprintf("/proc/%d/task/%d/children", f->pid, f->pid);
	VIV_STR children = VIV_STR_INIT;
	VIV_FD pidfd = -1;
	pid_t pid;

	for (int i = 0; i < 3; i++)
		run_in_usr(f);
	check_no_folder(f);
	run_in_usr(f);
	assert_int_equal(viv_read_file(path, 64, &children, NULL), 0);
	pid = (pid_t)strtol(children.data ? children.data : "", NULL, 10);
	if (f->program == agent_programs[0])
		assert_int_not_equal(pid, 0);
	if (!pid)
		return;
	/* Without it, and with the next one. */
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_true(pidfd >= 0);
	kill(pid, SIGKILL);
	wait_readable(f, pidfd);
	for (int i = 0; i < 3; i++)
		run_in_usr(f);
	check_no_folder(f);
}

static void other_users(void **state)
{
	const char *argv[] = {
		"sh", "-c", "echo $(id -u):$(id -g):$USER; test \"$(id -G)\" = \"$(id -G $USER)\"",
		NULL};
	struct viv_command_spec spec = {.argv = argv, .user = "daemon", .in_fd = -1};
	VIV_STR out = VIV_STR_INIT, err = VIV_STR_INIT;

	if (geteuid() != 0) {
		print_message("only root can become another user\n");
		skip();
	}
	assert_int_equal(run_spec(*state, &spec, &out, &err, NULL), 0);
	assert_string_equal(out.data, "1:1:daemon\n");
	viv_str_clear(&out);
	argv[2] = "echo $(id -u):$(id -g):$HOME:$(pwd)";
	spec.user = "54321";
	assert_int_equal(run_spec(*state, &spec, &out, &err, NULL), 0);
	assert_string_equal(out.data, "54321:54321:/:/\n");
}

static void long_command_lines(void **state)
{
	VIV_FREE char *word = viv_malloc(100001);
	const char *argv[] = {"sh", "-c", "echo $# ${#1} ${#5}", "sh", word, word, word, word,
			      "x",  NULL};
	struct viv_command_spec spec = {.argv = argv, .in_fd = -1};
	VIV_STRV many = VIV_STRV_INIT;
	VIV_STR out = VIV_STR_INIT, err = VIV_STR_INIT;
	VIV_ERROR error = VIV_ERROR_INIT;
	struct fixture *f = *state;

	memset(word, 'x', 100000);
	word[100000] = '\0';
	assert_int_equal(run_spec(f, &spec, &out, &err, NULL), 0);
	assert_string_equal(out.data, "5 100000 1\n");
	for (int i = 0; i < 11; i++)
		viv_strv_push(&many, word);
	spec.argv = (const char *const *)many.items;
	assert_int_equal(viv_agent_run(f->agent, &spec, NULL, NULL, NULL, &error), -E2BIG);
}

static void refuses_nonsense(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {NULL, NULL}, *env[] = {"no-equals-sign", NULL};
	struct viv_command_spec spec = {.argv = argv, .in_fd = -1, .out_fd = -1, .err_fd = -1};
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(viv_agent_run(f->agent, &spec, NULL, NULL, NULL, &err), -EINVAL);
	argv[0] = "true";
	spec.env = env;
	assert_int_equal(viv_agent_run(f->agent, &spec, NULL, NULL, NULL, NULL), -EINVAL);
}

static void signals(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"sh", "-c",
			      "trap 'echo got it; exit 5' INT; echo on; while :; do read x; done",
			      NULL};
	int in[2], out[2];
	struct viv_command_spec spec = {.argv = argv, .err_fd = -1};
	struct viv_command *c;
	struct result r;
	char text[32] = "";

	assert_int_equal(viv_pipe(in, NULL), 0);
	assert_int_equal(viv_pipe(out, NULL), 0);
	spec.in_fd = in[0];
	spec.out_fd = out[1];
	c = start_command(f, &spec, &r);
	wait_readable(f, out[0]);
	assert_int_equal(viv_command_signal(c, 65), -EINVAL);
	assert_int_equal(viv_command_signal(c, SIGINT), 0);
	run_until(f, &r.done);
	assert_int_equal(r.status, 5);
	assert_int_equal(read(out[0], text, sizeof(text)), 10);
	assert_string_equal(text, "on\ngot it\n");
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

/* What a command leaves behind in the background doesn't keep it from being done. */
static void left_behind(void **state)
{
	const char *argv[] = {"sh", "-c", "sleep 1000 & echo $!", NULL};
	struct viv_command_spec spec = {.argv = argv, .in_fd = -1};
	VIV_STR out = VIV_STR_INIT, err = VIV_STR_INIT;
	uint64_t pid;

	assert_int_equal(run_spec(*state, &spec, &out, &err, NULL), 0);
	assert_true(viv_slice_u64(viv_slice_trim(viv_slice(out.data)), 1 << 30, &pid));
	assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
}

struct answer {
	struct fixture *f;
	bool done;
	int code;
};

static void on_answer(struct viv_agent *a, int code, void *arg)
{
	struct answer *answer = arg;

	answer->done = true;
	answer->code = code;
	viv_loop_quit(answer->f->loop, 0);
}

static void requests(void **state)
{
	struct fixture *f = *state;
	struct answer answer = {.f = f};

	/* With --port-fd the agent changes nothing of the system it runs on. */
	assert_int_equal(viv_agent_set_hostname(f->agent, "x", on_answer, &answer, NULL), 0);
	run_until(f, &answer.done);
	assert_int_equal(answer.code, -EPERM);
	assert_int_equal(viv_agent_set_hostname(f->agent, "", on_answer, &answer, NULL), -EINVAL);
	assert_int_equal(viv_agent_seed(f->agent, "x", 513, on_answer, &answer, NULL), -EINVAL);
	answer.done = false;
	assert_int_equal(viv_agent_sync(f->agent, on_answer, &answer, NULL), 0);
	run_until(f, &answer.done);
	assert_int_equal(answer.code, 0);
}

static void on_done_free(struct viv_command *c, int status, const char *error, void *arg)
{
	struct fixture *f = arg;

	viv_agent_free(viv_steal(f->agent));
	f->lost = viv_strdup("freed");
	viv_loop_quit(f->loop, 0);
}

static void freed_in_a_callback(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"true", NULL}, *yes[] = {"yes", NULL};
	struct viv_command_spec spec = {.argv = yes, .in_fd = -1, .out_fd = -1, .err_fd = -1};
	struct result r = {.f = f};
	bool freed = false;

	assert_int_equal(viv_agent_run(f->agent, &spec, on_done, &r, NULL, NULL), 0);
	spec.argv = argv;
	assert_int_equal(viv_agent_run(f->agent, &spec, on_done_free, f, NULL, NULL), 0);
	while (!freed) {
		viv_loop_run(f->loop, NULL);
		freed = f->agent == NULL;
	}
	assert_false(r.done);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(greets_and_is_booted),
		WITH(exit_statuses),
		WITH(three_pipes),
		WITH(starts_that_fail),
		WITH(scripts_without_an_interpreter),
		WITH(environment_and_folder),
		WITH(starter),
		WITH(other_users),
		WITH(long_command_lines),
		WITH(refuses_nonsense),
		WITH(signals),
		WITH(left_behind),
		WITH(requests),
		WITH(freed_in_a_callback),
	};

	return run_with_each_agent(tests, VIV_ARRAY_SIZE(tests));
}
