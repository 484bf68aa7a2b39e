/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "cmd/machine.h"

#include "deb/lock.h"

static const struct viv_flag flags[] = {
	{"flatten", 0, NULL, "merge the package layers into one again"},
	VIV_CONFIG_FLAGS,
	{0},
};

static void print_changes(struct viv_cmd *cmd, const struct viv_lock *old, const struct viv_lock *now)
{
	VIV_STRV lines = VIV_STRV_INIT;

	viv_lock_compare(old, now, &lines);
	viv_progress_clear(cmd->report);
	for (size_t i = 0; i < lines.count; i++)
		viv_cmd_print(stdout, "%s\n", lines.items[i]);
	if (!lines.count && !cmd->quiet)
		fputs("viv: nothing changed\n", stderr);
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_cmd_machine_free_contents) struct viv_cmd_machine m = {0};
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *before = NULL;
	const struct viv_plan_options options = {
		.renew = !viv_args_has(args, "flatten"),
		.flatten = viv_args_has(args, "flatten"),
	};
	int r = viv_cmd_machine_load(cmd, args, &m, err);

	if (r == 0)
		r = viv_plan_read_lock(m.config, &before, err);
	if (r == 0)
		r = viv_cmd_machine_plan(cmd, options, &m, err);
	if (r == 0)
		print_changes(cmd, before, viv_plan_lock(m.plan));
	return r;
}

const struct viv_command viv_command_update = {
	.name = "update",
	.summary = "Renew the lock file and print what changed",
	.operands = "[FILE]",
	.about = "Asks the mirrors for the newest versions of everything that the machine is made of.\n"
		 "Nothing is built; the next build or run does that.",
	.flags = flags,
	.max_operands = 1,
	.run = run,
};
