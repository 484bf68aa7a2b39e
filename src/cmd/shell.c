/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"

#include <unistd.h>

static const struct viv_flag flags[] = {
	VIV_REMOTE_FLAGS,
	{"console", 0, NULL, "the machine's serial console; Ctrl-A X leaves it"},
	{0},
};

static int show_console(const char *name, struct viv_error *err)
{
	VIV_CLEANUP(viv_messages_close) struct viv_messages m = VIV_MESSAGES_INIT;
	bool ended = false;
	int r = viv_cmd_connect(name, &m, NULL, err);

	if (r == 0)
		r = viv_client_console(&m, STDIN_FILENO, STDOUT_FILENO, &ended, err);
	if (r < 0)
		return r;
	fprintf(stderr, "\nviv: %s\n", ended ? "the machine has ended" : "the machine runs on");
	return VIV_EXIT_OK;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	const char *const *argv;
	bool pty;

	if (viv_args_has(args, "console"))
		return show_console(args->operands[0], err);
	pty = viv_cmd_choose_shell(&argv);
	return viv_cmd_remote_run(cmd, args, args->operands[0], argv, pty, err);
}

const struct viv_command viv_command_shell = {
	.name = "shell",
	.summary = "Open a shell in a machine that runs",
	.operands = "[NAME]",
	.about = "NAME is a machine's, as `viv ps` shows it; without it this folder's. The machine goes on\n"
		 "when the shell ends. Where there is no terminal, commands come from stdin. --console ends\n"
		 "where its stdin does (`viv logs -f` only looks).",
	.flags = flags,
	.max_operands = 1,
	.run = run,
};
