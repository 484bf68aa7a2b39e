/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* programs.*, and packages that users name. */

static void packages(const struct viv_config *config, struct viv_strv *base VIV_UNUSED, struct viv_strv *ret)
{
	const char *name;
	json_t *user, *package;
	size_t i;

	if (viv_config_bool(config, "programs.bash.enableCompletion"))
		viv_strv_push(ret, "bash-completion");
	if (viv_config_bool(config, "programs.command-not-found.enable"))
		viv_strv_push(ret, "command-not-found");
	json_object_foreach((json_t *)viv_config_get(config, "users.users"), name, user)
		json_array_foreach(json_object_get(user, "packages"), i, package)
			viv_strv_push(ret, json_string_value(package));
}

const struct viv_area viv_area_programs = {.packages = packages};
