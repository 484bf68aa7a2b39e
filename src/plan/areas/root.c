/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* system.root = "minimal": packages that are taken apart (plan/minimal.h). */

static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	VIV_STRV names = VIV_STRV_INIT;

	if (!viv_is_minimal(config))
		return;
	viv_json_keys(viv_config_get(config, "system.minimal.packages"), &names);
	if (names.count)
		viv_strv_push_all(ret, (const char *const *)names.items);
}

const struct viv_area viv_area_root = {.packages = packages};
