/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "cmd/machine.h"
#include "cmd/status.h"

#include "base/path.h"
#include "base/status.h"
#include "run/session.h"

#include <unistd.h>

static const struct viv_flag flags[] = {
	VIV_CONFIG_FLAGS,
	VIV_MACHINE_FLAGS,
	{"name", 0, "NAME", "the machine's name (default: its host name, with -2, -3… if taken)"},
	{"timeout", 0, "TIME", "end the run after 90s, 5m, 2h with status 124"},
	{"fail-on", 0, "EVENTS", "events that give status 120: panic,oops (default), warn, none"},
	VIV_STATUS_FLAG,
	{"console", 0, NULL, "the serial console instead of a shell; Ctrl-A X ends it"},
	{"dry-run", 0, NULL, "print the QEMU command line, ready to be pasted"},
	{"locked", 0, NULL, "refuse to change the lock file (for CI)"},
	{0},
};

/* What `viv run` is about to do. */
struct run {
	struct viv_cmd *cmd;
	const struct viv_args *args;
	struct viv_cmd_machine m;
	struct viv_session_spec spec;
};

/* The console on the terminal and the agent's port where it can be reached. */
static int print_command_line(struct run *run, struct viv_error *err)
{
	struct viv_machine *m = &run->m.machine;
	VIV_FREE char *runtime = NULL;
	VIV_STRV argv = VIV_STRV_INIT;
	VIV_STR text = VIV_STR_INIT;
	int r = viv_dir_runtime(&runtime, err);

	if (r < 0)
		return r;
	m->name = viv_strdup(run->spec.name);
	m->terminal = true;
	m->agent.path = viv_asprintf("%s/%s.agent", runtime, m->name);
	viv_qemu_command(m, &argv);
	viv_qemu_command_text(&argv, &text);
	viv_progress_clear(run->cmd->report);
	fputs(text.data, stdout);
	return 0;
}

/*
 * Without a command: a login shell in a terminal, else the commands that stdin holds. With one, it
 * gets a terminal of its own only where all three streams are one, so that pipes stay what they are.
 */
static void choose_session(struct run *run)
{
	static const char *const shell[] = {"sh", "-c", "exec \"${SHELL:-/bin/sh}\" -l", NULL};
	static const char *const script[] = {"sh", "-s", NULL};
	struct viv_session_spec *spec = &run->spec;
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	spec->machine = &run->m.machine;
	spec->in_fd = STDIN_FILENO;
	spec->out_fd = STDOUT_FILENO;
	spec->err_fd = STDERR_FILENO;
	spec->report = run->cmd->report;
	spec->pty = terminal && (!run->args->command || isatty(STDERR_FILENO));
	spec->argv = run->args->command;
	if (viv_args_has(run->args, "console")) {
		spec->kind = VIV_SESSION_CONSOLE;
	} else if (!spec->argv) {
		spec->kind = terminal ? VIV_SESSION_SHELL : VIV_SESSION_COMMAND;
		spec->argv = terminal ? shell : script;
	}
}

/* A name that can't be had is said before anything is built; from here on it is ours. */
static int take_name(struct run *run, const char *name, struct viv_error *err)
{
	VIV_FREE char *runtime = NULL;
	int r = viv_machine_name_check(name, err);

	run->spec.name = name;
	if (r == 0 && viv_args_has(run->args, "dry-run"))
		return 0;
	if (r == 0)
		r = viv_dir_runtime(&runtime, err);
	if (r == 0)
		r = viv_machine_dir_take(runtime, name, true, &run->spec.dir, err);
	return r < 0 ? viv_error_context(err, "--name") : 0;
}

static int choose_options(struct run *run, struct viv_error *err)
{
	const char *timeout = viv_args_value(run->args, "timeout");
	const char *fail_on = viv_args_value(run->args, "fail-on");
	const char *name = viv_args_value(run->args, "name");

	run->spec.fail_on = VIV_TROUBLE_ON_DEFAULT;
	if (timeout && viv_cmd_parse_duration(timeout, &run->spec.timeout_ms, err) < 0)
		return viv_error_context(err, "--timeout");
	if (fail_on && viv_trouble_parse_set(fail_on, &run->spec.fail_on, err) < 0)
		return viv_error_context(err, "--fail-on");
	if (run->args->command && viv_args_has(run->args, "console"))
		return viv_error_say(err, EINVAL, "--console shows the console: it takes no command");
	return name ? take_name(run, name, err) : 0;
}

/* `viv run -- "ls | wc"`: a program of that name is hardly what was meant. */
static void hint_at_shell(const struct run *run, int status)
{
	const char *const *command = run->args->command;

	if (status == VIV_EXIT_FIND && command && !command[1] && strpbrk(command[0], " |&;<>()$`*?\"'"))
		fprintf(stderr, "viv: a command is a program and its arguments; for a shell's line "
				"write: -- sh -c '…'\n");
}

static void print_result(const struct run *run, const struct viv_session_result *result)
{
	viv_progress_clear(run->cmd->report);
	if (run->spec.pty && !viv_streq(result->outcome.kind, "exit"))
		fputc('\n', stderr); /* the guest's cursor may be anywhere */
	for (size_t i = 0; i < result->lines.count; i++)
		viv_cmd_print(stderr, "%s\n", result->lines.items[i]);
	if (result->outcome.reason)
		viv_cmd_print(stderr, "viv: %s\n", result->outcome.reason);
	hint_at_shell(run, result->outcome.status);
}

static int make_machine(struct run *run, struct viv_error *err)
{
	const struct viv_plan_options options = {.locked = viv_args_has(run->args, "locked")};
	const struct viv_system_extra extra = {.no_disk = viv_args_has(run->args, "dry-run")};
	int r = viv_cmd_machine_load(run->cmd, run->args, &run->m, err);

	if (r == 0)
		r = viv_system_check_qemu(run->m.config, err);
	if (r == 0)
		r = viv_cmd_machine_plan(run->cmd, options, &run->m, err);
	if (r == 0)
		r = viv_cmd_machine_build(run->cmd, &run->m, err);
	if (r == 0)
		r = viv_cmd_machine_make(run->cmd, extra, &run->m, err);
	if (r == 0 && !run->spec.name)
		run->spec.name = viv_config_string(run->m.config, "networking.hostName");
	return r;
}

/* The exit status, or a negative errno. */
static int run_machine(struct run *run, struct viv_error *err)
{
	VIV_CLEANUP(viv_session_result_free_contents) struct viv_session_result result = {0};
	int r = viv_session_run(&run->spec, &result, err);

	if (r < 0)
		return r;
	print_result(run, &result);
	r = viv_status_write(run->cmd->status, result.json, err);
	return r < 0 ? r : result.outcome.status;
}

/* The same. */
static int go(struct run *run, struct viv_error *err)
{
	bool dry = viv_args_has(run->args, "dry-run");
	int r = dry ? 0 : viv_status_begin(run->cmd->status, err);

	if (r == 0)
		r = choose_options(run, err);
	if (r < 0)
		return r;
	choose_session(run);
	r = make_machine(run, err);
	if (r < 0)
		return r;
	return dry ? print_command_line(run, err) : run_machine(run, err);
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	struct run run = {.cmd = cmd, .args = args, .spec.dir = VIV_MACHINE_DIR_INIT};
	int status = go(&run, err);

	viv_machine_dir_release(&run.spec.dir);
	viv_cmd_machine_free_contents(&run.m);
	return status;
}

const struct viv_command viv_command_run = {
	.name = "run",
	.summary = "Build a machine, boot it, run a command in it",
	.operands = "[FILE] [-- CMD…]",
	.about = "FILE is a machine file; without it vm.lua of this folder, or the default machine.\n"
		 "CMD is a program and its arguments; its exit status is viv's. Its stdin, stdout and\n"
		 "stderr are three pipes; where all three are a terminal here, it gets one, too.\n"
		 "Without CMD: a root shell, whose exit powers off; where there is no terminal, the\n"
		 "commands come from stdin. ~. at the start of a line ends a machine that hangs.\n"
		 "What is not CMD's: 120 panic or oops, 121 the guest went away, 124 time limit, 125\n"
		 "nothing was learnt about CMD (bad configuration, failed build, no QEMU).",
	.flags = flags,
	.takes_command = true,
	.max_operands = 1,
	.run = run,
};
