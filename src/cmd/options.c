/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/json.h"
#include "config/reference.h"

static const struct viv_flag flags[] = {
	{"man", 0, NULL, "print the manual page of machine files"},
	{0},
};

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	const char *pattern = args->n_operands ? args->operands[0] : NULL;
	VIV_STR text = VIV_STR_INIT;
	VIV_JSON *list = NULL;
	size_t found = 1;

	if (viv_args_has(args, "man")) {
		viv_reference_man(&text);
	} else if (cmd->json) {
		found = viv_reference_json(pattern, &list);
		viv_json_pretty(list, &text);
	} else {
		found = viv_reference_text(pattern, &text);
	}
	if (text.len)
		fwrite(text.data, 1, text.len, stdout);
	if (found)
		return VIV_EXIT_OK;
	viv_progress_clear(cmd->report);
	viv_cmd_print(stderr, "viv: no option has \"%s\" in its name or text\n", pattern);
	return VIV_EXIT_FAILED;
}

const struct viv_command viv_command_options = {
	.name = "options",
	.summary = "Show what a machine file can set",
	.operands = "[PATTERN]",
	.about = "PATTERN is a part of an option's name (* stands for anything), or a word of its "
		 "text.",
	.flags = flags,
	.max_operands = 1,
	.run = run,
};
