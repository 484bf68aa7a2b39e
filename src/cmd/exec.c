/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"
#include "cmd/status.h"

static const struct viv_flag flags[] = {
	VIV_REMOTE_FLAGS,
	VIV_STATUS_FLAG,
	{0},
};

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	if (!args->command)
		return viv_cmd_usage(cmd, "what is to be run? viv exec %s -- CMD…",
				     args->n_operands ? args->operands[0] : "[NAME]");
	return viv_cmd_remote_run(cmd, args, args->operands[0], args->command,
				  viv_cmd_wants_pty(args->command), err);
}

const struct viv_command viv_command_exec = {
	.name = "exec",
	.summary = "Run a command in a machine that runs",
	.operands = "[NAME] -- CMD…",
	.about = "NAME is a machine's, as `viv ps` shows it; without it this folder's. CMD is a program and\n"
		 "its arguments, with streams, terminal and exit status as with `viv run`. In a machine\n"
		 "that boots it waits until the system is up. ~. at the start of a line gives up.",
	.flags = flags,
	.takes_command = true,
	.max_operands = 1,
	.run = run,
};
