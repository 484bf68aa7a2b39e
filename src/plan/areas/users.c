/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* users.mutableUsers; the accounts themselves are plan/accounts.h's. */

static void params(const struct viv_config *config, struct viv_strv *ret)
{
	if (!viv_config_bool(config, "users.mutableUsers"))
		viv_strv_push(ret, "viv.accounts=fixed");
}

const struct viv_area viv_area_users = {.params = params};
