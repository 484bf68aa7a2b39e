/* SPDX-License-Identifier: MIT */
#include "cmd/test.h"

#include "cmd/store.h"
#include "test/reference.h"

struct printing {
	struct viv_cmd *cmd;
	json_t *all;
};

static void print_one(const char *of, const char *name, const char *parameters, const char *text, void *arg)
{
	const struct printing *p = arg;

	if (p->cmd->json)
		json_array_append_new(p->all, json_pack("{s:s, s:s, s:s, s:s}", "of", of, "name", name, "parameters",
							parameters, "text", text));
	else
		printf("%s%s%s\n    %s\n", of, name, parameters, text);
}

int viv_test_methods(struct viv_cmd *cmd)
{
	struct printing p = {cmd, json_array()};

	viv_test_reference(print_one, &p);
	if (cmd->json)
		return viv_cmd_print_json(p.all);
	json_decref(p.all);
	return VIV_EXIT_OK;
}
