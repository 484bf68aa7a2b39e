/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "cmd/guest.h"

#include "base/fd.h"
#include "base/path.h"
#include "plan/plan.h"
#include "run/session.h"
#include "run/system.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct viv_flag flags[] = {
	VIV_CONFIG_FLAGS,
	{"name", 0, "NAME", "the machine's name (default: its host name, with -2, -3… if taken)"},
	{"timeout", 0, "TIME", "end the run after 90s, 5m, 2h with status 124"},
	{"fail-on", 0, "EVENTS", "events that give status 120: panic,oops (default), warn, none"},
	{"status", 0, "FILE", "write how the run ended, as JSON"},
	{"console", 0, NULL, "the serial console instead of a shell; Ctrl-A X ends it"},
	{"dry-run", 0, NULL, "print the QEMU command line, ready to be pasted"},
	{"locked", 0, NULL, "refuse to change the lock file (for CI)"},
	{0},
};

/* What `viv run` is about to do. */
struct run {
	struct viv_cmd *cmd;
	const struct viv_args *args;
	struct viv_config *config;
	struct viv_store *store;
	struct viv_plan *plan; /* holds the pin: nothing in use is collected */
	struct viv_machine machine;
	struct viv_session_spec spec;
};

static void run_free(struct run *r)
{
	viv_machine_free_contents(&r->machine);
	viv_plan_freep(&r->plan);
	viv_store_closep(&r->store);
	viv_config_freep(&r->config);
}

static int build(struct run *run, struct viv_system *ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_guest_programs_free) struct viv_guest_programs guest = {0};
	struct viv_plan_options options = {.locked = viv_args_has(run->args, "locked")};
	int r = viv_cmd_load_config(run->cmd, run->args, run->args->operands[0], &run->config, err);

	if (r == 0)
		r = viv_system_check_qemu(run->config, err);
	if (r == 0)
		r = viv_guest_programs_find(&guest, err);
	if (r == 0)
		r = viv_cmd_open_store(run->cmd, &run->store, err);
	options.init_program = guest.init;
	options.agent_program = guest.agent;
	if (r == 0)
		r = viv_plan_make(run->store, run->config, &options, run->cmd->report, &run->plan, err);
	if (r == 0)
		r = viv_plan_build(run->plan, run->cmd->report, ret, err);
	return r;
}

static int make_machine(struct run *run, const struct viv_system *system, struct viv_error *err)
{
	const struct viv_system_extra extra = {
		.accel = getenv("VIV_ACCEL"),
		.kernel = getenv("VIV_KERNEL"),
		.kernel_params = getenv("QEMU_KERNEL_PARAMS"),
		.qemu_options = getenv("QEMU_OPTS"),
		.net_options = getenv("QEMU_NET_OPTS"),
		.no_disk = viv_args_has(run->args, "dry-run"),
	};
	VIV_FREE char *why = NULL;
	int r = viv_system_machine(run->config, system, &extra, &run->machine, &why, err);

	if (r == 0)
		viv_say(run->cmd->report,
			run->machine.accel == VIV_ACCEL_TCG ? VIV_INFO : VIV_DEBUG, "%s", why);
	return r;
}

/* The console on the terminal and the agent's port where it can be reached. */
static int print_command_line(struct run *run, struct viv_error *err)
{
	struct viv_machine *m = &run->machine;
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

	spec->machine = &run->machine;
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

static int choose_options(struct run *run, struct viv_error *err)
{
	const char *timeout = viv_args_value(run->args, "timeout");
	const char *fail_on = viv_args_value(run->args, "fail-on");
	const char *name = viv_args_value(run->args, "name");
	const char *const *command = run->args->command;
	int r = 0;

	run->spec.fail_on = VIV_TROUBLE_ON_DEFAULT;
	run->spec.name = name;
	run->spec.exact_name = name != NULL;
	if (timeout)
		r = viv_cmd_parse_duration(timeout, &run->spec.timeout_ms, err);
	if (r == 0 && fail_on)
		r = viv_trouble_parse_set(fail_on, &run->spec.fail_on, err);
	if (r < 0)
		return viv_error_context(err, timeout && !run->spec.timeout_ms ? "--timeout" : "--fail-on");
	if (command && viv_args_has(run->args, "console"))
		return viv_error_say(err, EINVAL, "--console shows the console: it takes no command");
	return 0;
}

/* `viv run -- "ls | wc"`: a program of that name is hardly what was meant. */
static void hint_at_shell(const struct run *run, int status)
{
	const char *const *command = run->args->command;

	if (status == 127 && command && !command[1] && strpbrk(command[0], " |&;<>()$`*?\"'"))
		fprintf(stderr, "viv: a command is a program and its arguments; for a shell's line "
				"write: -- sh -c '…'\n");
}

static void print_result(const struct run *run, const struct viv_session_result *result)
{
	viv_progress_clear(run->cmd->report);
	if (run->spec.pty && !viv_streq(result->outcome.kind, "exit"))
		fputc('\n', stderr); /* the guest's cursor may be anywhere */
	for (size_t i = 0; i < result->lines.count; i++)
		fprintf(stderr, "%s\n", result->lines.items[i]);
	if (result->outcome.reason)
		fprintf(stderr, "viv: %s\n", result->outcome.reason);
	hint_at_shell(run, result->outcome.status);
}

/* The descriptor that /dev/stderr, /dev/fd/3 and their like stand for; -1: another file. */
static int descriptor_of(const char *file)
{
	uint64_t n;

	if (viv_streq(file, "/dev/stdout"))
		return STDOUT_FILENO;
	if (viv_streq(file, "/dev/stderr"))
		return STDERR_FILENO;
	if (!viv_starts_with(file, "/dev/fd/") ||
	    !viv_slice_u64(viv_slice(file + strlen("/dev/fd/")), INT_MAX, &n))
		return -1;
	return (int)n;
}

/* A pipe, a terminal, a descriptor: what must not be replaced by a new file. */
static int write_in_place(const char *file, const json_t *j, struct viv_error *err)
{
	int fd = descriptor_of(file);
	VIV_STR text = VIV_STR_INIT;
	VIV_FD opened = -1;

	viv_json_pretty(j, &text);
	if (fd < 0)
		fd = opened = viv_open(file, O_WRONLY | O_NOCTTY, 0, err);
	else if (fcntl(fd, F_GETFD)) /* closed, or one of ours: those end with exec */
		return viv_error_set(err, EBADF, "%s", file);
	return fd < 0 ? fd : viv_write_all(fd, text.data, text.len, file, err);
}

static int write_status(const struct run *run, const json_t *j, struct viv_error *err)
{
	const char *file = viv_args_value(run->args, "status");
	struct stat st;
	mode_t mask;

	if (!file)
		return 0;
	if (descriptor_of(file) >= 0 || (stat(file, &st) == 0 && !S_ISREG(st.st_mode)))
		return write_in_place(file, j, err);
	mask = umask(0);
	umask(mask);
	return viv_json_write_file(file, j, 0666 & ~mask, err);
}

/* The exit status, or a negative errno. */
static int go(struct run *run, struct viv_error *err)
{
	struct viv_session_result result = {0};
	struct viv_system system = {0};
	int r = choose_options(run, err), status;

	choose_session(run);
	if (r == 0)
		r = build(run, &system, err);
	if (r == 0)
		r = make_machine(run, &system, err);
	viv_system_free_contents(&system);
	if (r < 0)
		return r;
	if (!run->spec.name)
		run->spec.name = viv_config_string(run->config, "networking.hostName");
	if (viv_args_has(run->args, "dry-run"))
		return print_command_line(run, err);
	r = viv_session_run(&run->spec, &result, err);
	if (r < 0)
		return r;
	print_result(run, &result);
	status = result.outcome.status;
	r = write_status(run, result.json, err);
	viv_session_result_free_contents(&result);
	return r < 0 ? r : status;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args)
{
	VIV_CLEANUP(run_free) struct run run = {.cmd = cmd, .args = args};
	VIV_ERROR err = VIV_ERROR_INIT;
	int status = go(&run, &err);
	VIV_JSON *j = NULL;

	if (status >= 0)
		return status;
	j = json_pack("{s:i, s:s, s:o}", "status", VIV_EXIT_ENVIRONMENT, "kind", "environment",
		      "reason", viv_json_text(err.msg));
	write_status(&run, j, NULL);
	return viv_cmd_fail(cmd, &err);
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
