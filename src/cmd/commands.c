/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

const struct viv_command *const viv_commands[] = {
	&viv_command_init,
	&viv_command_run,
	&viv_command_ps,
	&viv_command_exec,
	&viv_command_shell,
	&viv_command_cp,
	&viv_command_logs,
	&viv_command_screenshot,
	&viv_command_stop,
	&viv_command_wait,
	&viv_command_build,
	&viv_command_eval,
	&viv_command_options,
	&viv_command_update,
	&viv_command_doctor,
	&viv_command_store_ls,
	&viv_command_store_du,
	&viv_command_store_gc,
	&viv_command_store_verify,
	&viv_command_store_closure,
	&viv_command_store_export,
	&viv_command_store_import,
	&viv_command_completions,
	NULL,
};
