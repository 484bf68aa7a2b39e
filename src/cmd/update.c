/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "cmd/guest.h"

#include "plan/plan.h"

static const struct viv_flag flags[] = {
	{"flatten", 0, NULL, "merge the package layers into one again"},
	VIV_CONFIG_FLAGS,
	{0},
};

/* One line for each package whose version differs between two lock files' "packages". */
static size_t print_changes(const json_t *before, const json_t *after)
{
	VIV_STRV names = VIV_STRV_INIT;
	const json_t *sets[] = {before, after};
	size_t changes = 0;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(sets); i++) {
		const char *name;
		json_t *v;

		json_object_foreach((json_t *)sets[i], name, v)
			viv_strv_push(&names, name);
	}
	viv_strv_uniq(&names);
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.items[i];
		const char *old = viv_json_str(json_object_get(before, name), "version");
		const char *new = viv_json_str(json_object_get(after, name), "version");

		if (old && new && viv_streq(old, new))
			continue;
		changes++;
		if (old && new)
			printf("%s %s -> %s\n", name, old, new);
		else
			printf("%c %s %s\n", old ? '-' : '+', name, old ? old : new);
	}
	return changes;
}

static int update(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_store_closep) struct viv_store *store = NULL;
	VIV_CLEANUP(viv_plan_freep) struct viv_plan *plan = NULL;
	VIV_CLEANUP(viv_guest_programs_free) struct viv_guest_programs guest = {0};
	VIV_JSON *before = NULL, *after = NULL;
	struct viv_plan_options options = {
		.renew = !viv_args_has(args, "flatten"),
		.flatten = viv_args_has(args, "flatten"),
	};
	int r = viv_cmd_load_config(cmd, args, args->operands[0], &config, err);

	if (r == 0)
		r = viv_guest_programs_find(&guest, err);
	if (r == 0)
		r = viv_cmd_open_store(cmd, &store, err);
	options.init_program = guest.init;
	options.agent_program = guest.agent;
	if (r == 0)
		r = viv_plan_locked_packages(config, &before, err);
	if (r == 0)
		r = viv_plan_make(store, config, &options, cmd->report, &plan, err);
	if (r == 0)
		r = viv_plan_locked_packages(config, &after, err);
	if (r < 0)
		return r;
	viv_progress_clear(cmd->report);
	if (!print_changes(before, after) && !cmd->quiet)
		fputs("viv: nothing changed\n", stderr);
	return 0;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	return update(cmd, args, &err) < 0 ? viv_cmd_fail(cmd, &err) : VIV_EXIT_OK;
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
