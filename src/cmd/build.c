/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "cmd/machine.h"

#include "base/path.h"
#include "run/dist.h"
#include "run/script.h"

#include <limits.h>
#include <unistd.h>

static const struct viv_flag flags[] = {
	{"plan", 0, NULL, "print what would be built and why, and build nothing"},
	{"locked", 0, NULL, "refuse to change the lock file (for CI)"},
	{"out-link", 'o', "PATH", "name of the link to the result (default: result)"},
	{"target", 't', "NAME", "vm: a script that starts it (the default); dist: files that boot elsewhere"},
	{"no-link", 0, NULL, "leave no link: the result can be collected"},
	VIV_CONFIG_FLAGS,
	{0},
};

/* What can be made of a built system; the first is the default. */
static const struct target {
	const char *name;
	int (*check)(const struct viv_config *config, struct viv_error *err); /* before the build; may be NULL */
	int (*build)(struct viv_store *store, const struct viv_config *config, const struct viv_system *system,
		     struct viv_report *report, char **ret_id, struct viv_error *err);
} targets[] = {
	{"vm", NULL, viv_script_build},
	{"dist", viv_dist_check, viv_dist_build},
};

static int find_target(const struct viv_args *args, const struct target **ret, struct viv_error *err)
{
	const char *name = viv_args_value(args, "target");
	VIV_STR all = VIV_STR_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(targets); i++) {
		if (!name || viv_streq(name, targets[i].name)) {
			*ret = &targets[i];
			return 0;
		}
		viv_str_addf(&all, "%s%s", i ? ", " : "", targets[i].name);
	}
	return viv_error_say(err, EINVAL, "no target \"%s\": there are %s", name, all.data);
}

/* Its link to the result: PATH, `result` in the current folder, or in viv's own state folder. */
static int result_link(const struct viv_args *args, const struct viv_config *config, char **ret,
		       struct viv_error *err)
{
	const char *asked = viv_args_value(args, "out-link");
	VIV_FREE char *state = viv_dir_state();
	VIV_FREE char *own = viv_path_join(state, "result");

	if (!asked)
		asked = viv_config_file(config) ? "result" : own;
	return viv_path_absolute(asked, ret, err);
}

/* The system that the last build made, as that link says; NULL if there is none, or it is unknown. */
static char *last_build(const struct viv_args *args, const struct viv_config *config)
{
	VIV_FREE char *link = NULL, *system = NULL;
	char target[PATH_MAX];
	ssize_t n;

	if (result_link(args, config, &link, NULL) < 0)
		return NULL;
	system = viv_path_join(link, "system");
	n = readlink(system, target, sizeof(target) - 1);
	if (n < 0) /* the result is no longer in the store */
		n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return NULL;
	target[n] = '\0';
	return viv_store_id_is_valid(viv_path_base(target)) ? viv_strdup(viv_path_base(target))
							    : NULL;
}

static void print_plan(struct viv_cmd *cmd, const struct viv_args *args,
		       const struct viv_cmd_machine *m)
{
	VIV_FREE char *last = last_build(args, m->config);
	VIV_JSON *steps = viv_plan_describe(m->plan, last);
	VIV_STR text = VIV_STR_INIT;
	json_t *step;
	size_t i;

	if (cmd->json) {
		viv_json_pretty(steps, &text);
		fputs(text.data, stdout);
		return;
	}
	json_array_foreach(steps, i, step) {
		bool there = json_is_true(json_object_get(step, "there"));

		viv_cmd_print(stdout, "%-14s %s: %s\n", viv_json_str(step, "step"),
			      there ? "there" : "would be built",
			      there ? viv_json_str(step, "id") : viv_json_str(step, "why"));
	}
}

static void print_result(struct viv_cmd *cmd, const struct viv_cmd_machine *m, const char *id)
{
	const struct viv_system *sys = &m->system;
	VIV_FREE char *path = viv_store_object_path(m->store, id);
	VIV_JSON *j = NULL;
	VIV_STR text = VIV_STR_INIT;
	json_t *layers = json_array();

	for (size_t i = 0; i < sys->layers.count; i++)
		json_array_append_new(layers, json_string(sys->layers.items[i]));
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", id, "path", path, "system", sys->id,
		      "kernel", sys->kernel, "initrd", sys->initrd, "layers", layers);
	if (cmd->json) {
		viv_json_pretty(j, &text);
		fputs(text.data, stdout);
	} else {
		puts(path);
	}
}

static int link_result(const struct viv_args *args, const struct viv_cmd_machine *m, const char *id,
		       struct viv_error *err)
{
	VIV_FREE char *link = NULL;
	int r;

	if (viv_args_has(args, "no-link"))
		return 0;
	r = result_link(args, m->config, &link, err);
	return r < 0 ? r : viv_store_add_root(m->store, link, id, err);
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_cmd_machine_free_contents) struct viv_cmd_machine m = {0};
	const struct viv_plan_options options = {.locked = viv_args_has(args, "locked"),
						 .build = !viv_args_has(args, "plan")};
	const struct target *target = NULL;
	VIV_FREE char *id = NULL;
	int r = find_target(args, &target, err);

	if (r == 0)
		r = viv_cmd_machine_load(cmd, args, &m, err);
	if (r == 0 && target->check)
		r = target->check(m.config, err);
	if (r == 0)
		r = viv_cmd_machine_plan(cmd, options, &m, err);
	if (r == 0 && viv_args_has(args, "plan")) {
		print_plan(cmd, args, &m);
		return 0;
	}
	if (r == 0)
		r = viv_cmd_machine_build(cmd, &m, err);
	if (r == 0)
		r = target->build(m.store, m.config, &m.system, cmd->report, &id, err);
	if (r == 0)
		r = link_result(args, &m, id, err);
	if (r == 0) {
		viv_progress_clear(cmd->report);
		print_result(cmd, &m, id);
	}
	return r;
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
