/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"

#include "base/path.h"
#include "base/status.h"
#include "cmd/status.h"
#include "run/machines.h"
#include "run/trouble.h"

#include <unistd.h>

int viv_cmd_find(const char *name, struct viv_messages *ret, char **ret_name,
		    struct viv_error *err)
{
	VIV_FREE char *runtime = NULL, *folder = NULL;
	int r = viv_dir_runtime(&runtime, err);

	if (r < 0)
		return r;
	if (!name)
		folder = realpath(".", NULL);
	return viv_machines_connect(runtime, name, folder ? folder : ".", ret, ret_name, err);
}

int viv_cmd_connect(const char *name, struct viv_messages *ret, char **ret_name,
		    struct viv_error *err)
{
	VIV_FREE char *found = NULL;
	int r = viv_cmd_find(name, ret, &found, err);

	if (r == 0)
		r = viv_client_check(ret, found, VIV_CLIENT_ANSWER_MS, err);
	if (r == 0 && ret_name)
		*ret_name = viv_steal(found);
	return r;
}

bool viv_cmd_wants_pty(const char *const *command)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && (!command || isatty(STDERR_FILENO));
}

/*
 * A command gets a terminal of its own only where all three streams are one, so that pipes stay what
 * they are.
 */
bool viv_cmd_choose_shell(const char *const **ret_argv)
{
	static const char *const shell[] = {"sh", "-c", "exec \"${SHELL:-/bin/sh}\" -l", NULL};
	static const char *const script[] = {"sh", "-s", NULL};
	bool terminal = viv_cmd_wants_pty(NULL);

	*ret_argv = terminal ? shell : script;
	return terminal;
}

void viv_cmd_hint_at_shell(const char *const *command, int status)
{
	if (status == VIV_EXIT_FIND && command && !command[1] && strpbrk(command[0], " |&;<>()$`*?\"'"))
		fprintf(stderr, "viv: a command is a program and its arguments; for a shell's line "
				"write: -- sh -c '…'\n");
}

static int take_env(const struct viv_args *args, struct viv_strv *ret, struct viv_error *err)
{
	for (size_t i = 0; i < args->n_given; i++) {
		const char *value = args->given[i].value, *ours;

		if (!viv_streq(args->given[i].flag->name, "env"))
			continue;
		ours = strchr(value, '=') ? NULL : getenv(value);
		if (value[0] == '=' || !value[0])
			return viv_error_say(err, EINVAL, "--env: expected NAME=VALUE or NAME, got \"%s\"",
					     value);
		if (ours)
			viv_strv_pushf(ret, "%s=%s", value, ours);
		else if (strchr(value, '='))
			viv_strv_push(ret, value);
	}
	return 0;
}

static int take_flags(const struct viv_args *args, struct viv_client_command *c,
		      struct viv_strv *env, struct viv_error *err)
{
	const char *timeout = viv_args_value(args, "timeout");
	const char *fail_on = viv_args_value(args, "fail-on"), *term = getenv("TERM");

	c->fail_on = VIV_TROUBLE_ON_DEFAULT;
	c->user = viv_args_value(args, "user");
	c->cwd = viv_args_value(args, "cwd");
	if (timeout && viv_parse_duration(timeout, &c->timeout_ms, err) < 0)
		return viv_error_context(err, "--timeout");
	if (fail_on && viv_trouble_parse_set(fail_on, &c->fail_on, err) < 0)
		return viv_error_context(err, "--fail-on");
	if (c->pty)
		viv_strv_pushf(env, "TERM=%s", term && term[0] ? term : "linux");
	return take_env(args, env, err);
}

int viv_cmd_remote_run(const struct viv_cmd *cmd, const struct viv_args *args, const char *machine,
		       const char *const *argv, bool pty, struct viv_error *err)
{
	VIV_CLEANUP(viv_messages_close) struct viv_messages m = VIV_MESSAGES_INIT;
	struct viv_client_command c = {.argv = argv,
				       .pty = pty,
				       .in_fd = STDIN_FILENO,
				       .out_fd = STDOUT_FILENO,
				       .err_fd = STDERR_FILENO};
	VIV_CLEANUP(viv_client_result_free_contents) struct viv_client_result result = {0};
	VIV_STRV env = VIV_STRV_INIT;
	VIV_FREE char *here = getcwd(NULL, 0);
	VIV_JSON *j = NULL;
	int r = viv_status_begin(cmd->status, err);

	if (r == 0)
		r = take_flags(args, &c, &env, err);
	/* Another user of the guest's may not be let into it. */
	c.here = c.user ? NULL : here;
	c.env = (const char *const *)env.items;
	if (r == 0)
		r = viv_cmd_connect(machine, &m, NULL, err);
	if (r == 0)
		r = viv_client_run(&m, &c, &result, err);
	if (r < 0)
		return r;
	if (result.reason)
		viv_cmd_print(stderr, "%sviv: %s\n", pty ? "\n" : "", result.reason);
	viv_cmd_hint_at_shell(argv, result.status);
	j = viv_client_result_json(&result);
	r = viv_status_write(cmd->status, j, err);
	return r < 0 ? r : result.status;
}
