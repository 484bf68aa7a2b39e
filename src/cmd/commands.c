/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

const struct viv_command *const viv_commands[] = {
	&viv_command_completions,
	NULL,
};
