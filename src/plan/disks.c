/* SPDX-License-Identifier: MIT */
#include "plan/disks.h"

#include "config/disks.h"

static const struct {
	const char *interface, *modules[3];
} drivers[] = {
	{"scsi", {"virtio_scsi", "sd_mod"}},
	{"ide", {"ahci", "sd_mod"}},
	{"nvme", {"nvme"}},
};

void viv_plan_disk_modules(const struct viv_config *config, struct viv_strv *ret)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(drivers); i++)
		if (viv_config_disks_use(config, drivers[i].interface))
			viv_strv_push_all(ret, drivers[i].modules);
}
