/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include <unistd.h>

int viv_cmd_load_config(struct viv_cmd *cmd, const struct viv_args *args, const char *file,
			struct viv_config **ret, struct viv_error *err)
{
	VIV_STRV packages = VIV_STRV_INIT;
	VIV_FREE struct viv_config_setting *settings =
		viv_new_array(struct viv_config_setting, args->n_given);
	struct viv_config_request req = {.file = file, .settings = settings};

	for (size_t i = 0; i < args->n_given; i++) {
		const struct viv_arg *a = &args->given[i];
		const char *flag = a->flag->name;

		if (viv_streq(flag, "package")) {
			viv_strv_pushf(&packages, "environment.systemPackages=%s", a->value);
			settings[req.n_settings++] = (struct viv_config_setting){
				packages.items[packages.count - 1], true};
		} else if (viv_streq(flag, "set") || viv_streq(flag, "add")) {
			settings[req.n_settings++] =
				(struct viv_config_setting){a->value, flag[0] == 'a'};
		}
	}
	if (!file && access("vm.lua", F_OK) == 0)
		req.file = "vm.lua";
	return viv_config_load(&req, cmd->report, ret, err);
}
