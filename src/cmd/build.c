/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "cmd/guest.h"

#include "base/path.h"
#include "plan/plan.h"

static const struct viv_flag flags[] = {
	{"plan", 0, NULL, "print what would be built, and build nothing"},
	{"locked", 0, NULL, "refuse to change the lock file (for CI)"},
	{"out-link", 'o', "PATH", "name of the link to the result (default: result)"},
	{"no-link", 0, NULL, "leave no link: the result can be collected"},
	VIV_CONFIG_FLAGS,
	{0},
};

static void print_plan(struct viv_cmd *cmd, const struct viv_plan *plan)
{
	VIV_JSON *steps = viv_plan_describe(plan);
	VIV_STR text = VIV_STR_INIT;
	json_t *step;
	size_t i;

	if (cmd->json) {
		viv_json_pretty(steps, &text);
		fputs(text.data, stdout);
		return;
	}
	json_array_foreach(steps, i, step)
		printf("%-6s %-14s %s  (%s)\n",
		       json_is_true(json_object_get(step, "there")) ? "there" : "build",
		       viv_json_str(step, "step"), viv_json_str(step, "id"),
		       viv_json_str(step, "why"));
}

static void print_system(struct viv_cmd *cmd, struct viv_store *store, const struct viv_system *sys)
{
	VIV_FREE char *path = viv_store_object_path(store, sys->id);
	VIV_JSON *j = NULL;
	VIV_STR text = VIV_STR_INIT;
	json_t *layers = json_array();

	for (size_t i = 0; i < sys->layers.count; i++)
		json_array_append_new(layers, json_string(sys->layers.items[i]));
	j = json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", sys->id, "path", path, "kernel",
		      sys->kernel, "initrd", sys->initrd, "layers", layers);
	if (cmd->json) {
		viv_json_pretty(j, &text);
		fputs(text.data, stdout);
	} else {
		puts(path);
	}
}

/* `result` in the current folder; without a machine file in viv's own state folder. */
static int link_result(const struct viv_args *args, const struct viv_config *config,
		       struct viv_store *store, const struct viv_system *sys, struct viv_error *err)
{
	const char *asked = viv_args_value(args, "out-link");
	VIV_FREE char *state = viv_dir_state();
	VIV_FREE char *own = viv_path_join(state, "result");
	VIV_FREE char *link = NULL;
	int r;

	if (viv_args_has(args, "no-link"))
		return 0;
	if (!asked)
		asked = viv_config_file(config) ? "result" : own;
	r = viv_path_absolute(asked, &link, err);
	return r < 0 ? r : viv_store_add_root(store, link, sys->id, err);
}

static int build(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_store_closep) struct viv_store *store = NULL;
	VIV_CLEANUP(viv_plan_freep) struct viv_plan *plan = NULL;
	VIV_CLEANUP(viv_guest_programs_free) struct viv_guest_programs guest = {0};
	struct viv_plan_options options = {.locked = viv_args_has(args, "locked")};
	struct viv_system sys = {0};
	int r = viv_cmd_load_config(cmd, args, args->operands[0], &config, err);

	if (r == 0)
		r = viv_guest_programs_find(&guest, err);
	if (r == 0)
		r = viv_cmd_open_store(cmd, &store, err);
	options.init_program = guest.init;
	options.agent_program = guest.agent;
	if (r == 0)
		r = viv_plan_make(store, config, &options, cmd->report, &plan, err);
	if (r == 0 && viv_args_has(args, "plan")) {
		print_plan(cmd, plan);
		return 0;
	}
	if (r == 0)
		r = viv_plan_build(plan, cmd->report, &sys, err);
	if (r == 0)
		r = link_result(args, config, store, &sys, err);
	if (r == 0) {
		viv_progress_clear(cmd->report);
		print_system(cmd, store, &sys);
	}
	viv_system_free_contents(&sys);
	return r;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	return build(cmd, args, &err) < 0 ? viv_cmd_fail(cmd, &err) : VIV_EXIT_OK;
}

const struct viv_command viv_command_build = {
	.name = "build",
	.summary = "Build a machine's kernel, initrd and layers into the store",
	.operands = "[FILE]",
	.about = "FILE is a machine file; without it vm.lua of this folder, or the default machine.\n"
		 "Prints the path of the result and leaves a link to it, which keeps it in the store.",
	.flags = flags,
	.max_operands = 1,
	.run = run,
};
