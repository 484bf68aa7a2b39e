/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include <unistd.h>

/* Flags that are another way to write --set or --add of one option. */
static const struct {
	const char *flag, *option;
	bool append;
} stand_for[] = {
	{"package", "environment.systemPackages", true},
	{"memory", "virtualisation.memorySize", false},
	{"cores", "virtualisation.cores", false},
};

/* False: the flag is none of the configuration's. `texts` owns what is made here. */
static bool setting_of(const struct viv_arg *a, struct viv_strv *texts,
		       struct viv_config_setting *ret)
{
	const char *flag = a->flag->name;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(stand_for); i++) {
		if (!viv_streq(flag, stand_for[i].flag))
			continue;
		viv_strv_pushf(texts, "%s=%s", stand_for[i].option, a->value);
		*ret = (struct viv_config_setting){texts->items[texts->count - 1],
						   stand_for[i].append};
		return true;
	}
	if (!viv_streq(flag, "set") && !viv_streq(flag, "add"))
		return false;
	*ret = (struct viv_config_setting){a->value, viv_streq(flag, "add")};
	return true;
}

int viv_cmd_load_config(struct viv_cmd *cmd, const struct viv_args *args, const char *file,
			struct viv_config **ret, struct viv_error *err)
{
	VIV_STRV texts = VIV_STRV_INIT;
	VIV_FREE struct viv_config_setting *settings =
		viv_new_array(struct viv_config_setting, args->n_given);
	struct viv_config_request req = {.file = file, .settings = settings};

	for (size_t i = 0; i < args->n_given; i++)
		if (setting_of(&args->given[i], &texts, &settings[req.n_settings]))
			req.n_settings++;
	if (!file && access("vm.lua", F_OK) == 0)
		req.file = "vm.lua";
	return viv_config_load(&req, cmd->report, ret, err);
}
