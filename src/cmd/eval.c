/* SPDX-License-Identifier: MIT */
#include "cmd/eval.h"
#include "cmd/store.h"

#include "base/json.h"
#include "config/option.h"

#include <unistd.h>

static const struct viv_flag flags[] = {
	{"why", 0, "OPTION", "every definition of the option, with its place"},
	{"etc", 0, NULL, "the files that options produce, or what is in those that are named"},
	VIV_CONFIG_FLAGS,
	{0},
};

static void print_json(const json_t *j)
{
	viv_cmd_print_json(json_incref((json_t *)j));
}

static int unknown(struct viv_cmd *cmd, const char *name)
{
	VIV_STRV names = VIV_STRV_INIT, near = VIV_STRV_INIT;

	VIV_FOREACH_OPTION(o)
		viv_strv_push(&names, o->name);
	viv_suggest(name, (const char *const *)names.items, names.count, 1, &near);
	viv_progress_clear(cmd->report);
	if (near.count)
		viv_cmd_print(stderr, "viv: no option %s (did you mean %s?)\n", name,
			      near.items[0]);
	else
		viv_cmd_print(stderr, "viv: no option %s\n", name);
	return VIV_EXIT_USAGE;
}

/* place, what it is worth, value: a line each; what counts is marked. */
static void print_why(const char *option, const json_t *defs)
{
	const json_t *d;
	size_t i;

	viv_cmd_print(stdout, "%s\n", option);
	json_array_foreach((json_t *)defs, i, d)
	{
		VIV_STR value = VIV_STR_INIT;

		viv_json_canonical(json_object_get(d, "value"), &value);
		viv_cmd_print(stdout, "  %c %s, priority %lld: %s\n",
			      json_is_true(json_object_get(d, "used")) ? '*' : ' ',
			      viv_json_str(d, "place"),
			      (long long)json_integer_value(json_object_get(d, "priority")),
			      value.data);
	}
}

static int why(struct viv_cmd *cmd, const struct viv_config *c, const char *option)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_JSON *defs = NULL;

	if (viv_config_why(c, option, &defs, &err) < 0)
		return unknown(cmd, option);
	if (cmd->json)
		print_json(defs);
	else
		print_why(option, defs);
	return VIV_EXIT_OK;
}

/* One option: its value; several: an object of them; none: everything. */
static int values(struct viv_cmd *cmd, const struct viv_config *c, const char *const *options)
{
	VIV_JSON *all = json_object();

	if (!options[0]) {
		print_json(viv_config_all(c));
		return VIV_EXIT_OK;
	}
	for (size_t i = 0; options[i]; i++) {
		const json_t *j = viv_config_find(c, options[i]);

		if (!j)
			return unknown(cmd, options[i]);
		if (i == 0 && !options[1])
			print_json(j);
		json_object_set(all, options[i], (json_t *)j);
	}
	if (options[1])
		print_json(all);
	return VIV_EXIT_OK;
}

/*
 * Is the operand a machine file? An option has dots too, but no slash, and doesn't end in .lua. A file
 * of the machine's does have slashes.
 */
static bool is_file(const char *operand, bool etc)
{
	if (etc && (operand[0] == '/' || viv_starts_with(operand, "etc/")))
		return viv_ends_with(operand, ".lua") && access(operand, F_OK) == 0;
	return strchr(operand, '/') || viv_ends_with(operand, ".lua") || access(operand, F_OK) == 0;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	bool etc = viv_args_has(args, "etc");
	bool file = args->n_operands && is_file(args->operands[0], etc);
	const char *const *options = (const char *const *)args->operands + (file ? 1 : 0);
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;

	if (viv_cmd_load_config(cmd, args, file ? args->operands[0] : NULL, &c, err) < 0)
		return VIV_CMD_FAILED;
	if (etc)
		return viv_cmd_eval_etc(cmd, c, options, err);
	if (viv_args_has(args, "why"))
		return why(cmd, c, viv_args_value(args, "why"));
	return values(cmd, c, options);
}

const struct viv_command viv_command_eval = {
	.name = "eval",
	.summary = "Print the configuration that a machine file makes, as JSON",
	.operands = "[FILE] [OPTION…|PATH…]",
	.about = "FILE is vm.lua of this folder unless it is given. With one OPTION its value is\n"
		 "printed, with several an object of them, with none everything.\n"
		 "With --etc: each file that options produce, the option and its place; with PATH\n"
		 "(/etc/motd) only what is in it.",
	.flags = flags,
	.max_operands = 1000,
	.run = run,
};
