/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "cmd/machine.h"
#include "cmd/remote.h"
#include "cmd/run.h"
#include "cmd/status.h"

#include "base/path.h"
#include "base/status.h"
#include "run/devices.h"
#include "run/disks.h"
#include "run/firmware.h"

#include <unistd.h>

static const struct viv_flag flags[] = {
	VIV_CONFIG_FLAGS,
	VIV_MACHINE_FLAGS,
	{"fresh", 0, NULL, "throw a kept disk away and make it anew"},
	{"rebase", 0, NULL, "bring a disk that was made on other layers onto these"},
	{"detach", 'd', NULL, "leave it running in the background: viv ps, exec, shell, cp, stop"},
	VIV_SHARE_FLAGS,
	{"user", 'u', "USER", "as this user of the guest, in its home (default: root, in the current folder)"},
	{"name", 0, "NAME", "the machine's name (default: its host name, with -2, -3… if taken)"},
	{"timeout", 0, "TIME", "end the run after 90s, 5m, 2h with status 124"},
	{"fail-on", 0, "EVENTS", "events that give status 120: panic,oops (default), warn, none"},
	{"crash-dump", 0, "FILE", "where a crash dump goes (default: NAME.vmcore in this folder)"},
	VIV_STATUS_FLAG,
	{"console", 0, NULL, "the serial console instead of a shell; Ctrl-A X ends it"},
	{"dry-run", 0, NULL, "print the QEMU command line, ready to be pasted"},
	{"locked", 0, NULL, "refuse to change the lock file (for CI)"},
	{0},
};

/* The console on the terminal and the agent's port where it can be reached. */
static int print_command_line(struct run *run, struct viv_error *err)
{
	struct viv_machine *m = &run->m.machine;
	VIV_FREE char *runtime = NULL, *prefix = NULL, *before = NULL, *copy = NULL;
	VIV_STRV argv = VIV_STRV_INIT;
	VIV_STR text = VIV_STR_INIT;
	int r = viv_dir_runtime(&runtime, err);

	if (r < 0)
		return r;
	m->name = viv_strdup(run->spec.name);
	m->terminal = true;
	m->agent.path = viv_asprintf("%s/%s.agent", runtime, m->name);
	prefix = viv_asprintf("%s.", m->name);
	viv_devices_set_paths(&m->devices, runtime, prefix);
	copy = viv_firmware_before(&m->firmware, runtime, prefix);
	before = viv_devices_before(&m->devices);
	viv_str_add(&text, copy);
	viv_str_add(&text, before);
	viv_shares_leave_to_qemu(m, run->cmd->report);
	viv_qemu_command(m, &argv);
	viv_qemu_command_text(&argv, &text);
	viv_progress_clear(run->cmd->report);
	fputs(text.data, stdout);
	return 0;
}

static void choose_session(struct run *run)
{
	struct viv_session_spec *spec = &run->spec;

	spec->machine = &run->m.machine;
	spec->in_fd = STDIN_FILENO;
	spec->out_fd = STDOUT_FILENO;
	spec->err_fd = STDERR_FILENO;
	spec->report = run->cmd->report;
	spec->argv = run->args->command;
	spec->pty = viv_cmd_wants_pty(spec->argv);
	if (viv_args_has(run->args, "detach"))
		spec->kind = VIV_SESSION_IDLE;
	else if (viv_args_has(run->args, "console"))
		spec->kind = VIV_SESSION_CONSOLE;
	else if (!spec->argv)
		spec->kind = viv_cmd_choose_shell(&spec->argv) ? VIV_SESSION_SHELL
							       : VIV_SESSION_COMMAND;
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
	if (timeout && viv_parse_duration(timeout, &run->spec.timeout_ms, err) < 0)
		return viv_error_context(err, "--timeout");
	if (fail_on && viv_trouble_parse_set(fail_on, &run->spec.fail_on, err) < 0)
		return viv_error_context(err, "--fail-on");
	if (run->args->command && viv_args_has(run->args, "console"))
		return viv_error_say(err, EINVAL, "--console shows the console: it takes no command");
	if (viv_args_has(run->args, "fresh") && viv_args_has(run->args, "rebase"))
		return viv_error_say(err, EINVAL, "--fresh throws the disk away, --rebase keeps it: "
				     "only one of them");
	if (viv_args_has(run->args, "detach") &&
	    (run->args->command || viv_args_has(run->args, "console")))
		return viv_error_say(err, EINVAL,
				     "--detach leaves the machine running: it takes no command and "
				     "no console\nStart it, then use viv exec.");
	if (viv_args_has(run->args, "user") &&
	    (viv_args_has(run->args, "detach") || viv_args_has(run->args, "console")))
		return viv_error_say(err, EINVAL,
				     "--user says who the command runs as: there is none with %s",
				     viv_args_has(run->args, "detach") ? "--detach" : "--console");
	return name ? take_name(run, name, err) : 0;
}

static void print_result(const struct run *run, const struct viv_session_result *result)
{
	viv_progress_clear(run->cmd->report);
	if (run->spec.pty && !viv_streq(result->outcome.kind, "exit"))
		fputc('\n', stderr); /* the guest's cursor may be anywhere */
	for (size_t i = 0; i < result->lines.count; i++)
		viv_cmd_print(stderr, "%s\n", result->lines.items[i]);
	if (result->crash_dump)
		viv_cmd_print(stderr, "viv: crash dump: %s\n", result->crash_dump);
	if (result->outcome.reason)
		viv_cmd_print(stderr, "viv: %s\n", result->outcome.reason);
	viv_cmd_hint_at_shell(run->args->command, result->outcome.status);
}

/* For `viv ps`, and for finding a folder's machine. */
static json_t *about(const struct run *run)
{
	VIV_FREE char *folder = realpath(viv_config_folder(run->m.config), NULL);

	return json_pack("{s:o, s:o, s:b}", "folder", viv_json_text(folder), "file",
			 viv_json_text(viv_config_file(run->m.config)), "detached",
			 viv_args_has(run->args, "detach"));
}

/* Nobody inside takes commands: there is its console. */
static int make_foreign(struct run *run, const struct viv_system_extra *extra, struct viv_error *err)
{
	if (run->args->command)
		return viv_error_say(err, EINVAL,
				     "a machine that starts from its own disk or CD-ROM has no agent: "
				     "no command can be run in it");
	if (run->spec.kind != VIV_SESSION_IDLE)
		run->spec.kind = VIV_SESSION_CONSOLE;
	return viv_cmd_machine_make(run->cmd, extra, &run->m, err);
}

static int build_and_make(struct run *run, const struct viv_system_extra *extra, struct viv_error *err)
{
	const struct viv_plan_options options = {.locked = viv_args_has(run->args, "locked"),
						 .build = true};
	int r = viv_cmd_machine_share(run->cmd, run->args, &run->m, err);

	if (r == 0)
		r = viv_cmd_machine_plan(run->cmd, options, &run->m, err);
	if (r == 0)
		r = viv_cmd_machine_build(run->cmd, &run->m, err);
	return r < 0 ? r : viv_cmd_machine_make(run->cmd, extra, &run->m, err);
}

static int make_machine(struct run *run, struct viv_error *err)
{
	struct viv_system_extra extra = {.no_disk = viv_args_has(run->args, "dry-run"),
					       .fresh = viv_args_has(run->args, "fresh"),
					       .rebase = viv_args_has(run->args, "rebase")};
	int r = viv_cmd_machine_load(run->cmd, run->args, &run->m, err);

	viv_cmd_machine_environment(&extra);
	if (r == 0)
		r = viv_system_check_host(run->m.config, err);
	if (r == 0)
		r = viv_disks_check_host(run->m.config, &extra, err);
	if (r == 0)
		r = viv_firmware_is_foreign(run->m.config) ? make_foreign(run, &extra, err)
							   : build_and_make(run, &extra, err);
	if (r < 0)
		return r;
	run->spec.user = viv_args_value(run->args, "user");
	run->spec.early_units = viv_streq(viv_config_string(run->m.config, "system.init"), "systemd");
	run->spec.crash_dump = viv_args_value(run->args, "crash-dump");
	/* Another user may not be let into our folder. */
	run->spec.cwd = run->spec.user ? NULL : run->m.shares.cwd;
	if (!run->spec.name)
		run->spec.name = viv_config_string(run->m.config, "networking.hostName");
	run->spec.about = run->about = about(run);
	return 0;
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

int viv_run_prepare(struct run *run, struct viv_error *err)
{
	int r = viv_args_has(run->args, "dry-run") ? 0 : viv_status_begin(run->cmd->status, err);

	if (r == 0)
		r = choose_options(run, err);
	if (r < 0)
		return r;
	choose_session(run);
	return make_machine(run, err);
}

void viv_run_free_contents(struct run *run)
{
	viv_machine_dir_release(&run->spec.dir);
	viv_cmd_machine_free_contents(&run->m);
	json_decref(run->about);
}

/* The same. */
static int go(struct run *run, struct viv_error *err)
{
	int r;

	if (viv_args_has(run->args, "detach") && !viv_args_has(run->args, "dry-run"))
		return viv_run_detached(run, err);
	r = viv_run_prepare(run, err);
	if (r < 0)
		return r;
	return viv_args_has(run->args, "dry-run") ? print_command_line(run, err)
						  : run_machine(run, err);
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	struct run run = {.cmd = cmd, .args = args, .spec.dir = VIV_MACHINE_DIR_INIT};
	int status = go(&run, err);

	viv_run_free_contents(&run);
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
		 "With --detach: prints the machine's name when the system is up, and ends.\n"
		 "What is not CMD's: 120 panic or oops, 121 the guest went away, 124 time limit, 125\n"
		 "nothing was learnt about CMD (bad configuration, failed build, no QEMU).",
	.flags = flags,
	.takes_command = true,
	.max_operands = 1,
	.run = run,
};
