/* SPDX-License-Identifier: MIT */
#include "plan/disks.h"

#include "config/disks.h"

/* virtio is there for the layers anyway. */
static const struct {
	const char *interface, *modules[3];
} drivers[] = {
	{"scsi", {"virtio_scsi", "sd_mod"}},
	{"ide", {"ahci", "sd_mod"}},
	{"nvme", {"nvme"}},
};

static const struct {
	const char *type, *package;
} makers[] = {{"ext4", "e2fsprogs"}, {"xfs", "xfsprogs"}, {"btrfs", "btrfs-progs"}};

/* What is on the machine's own disk; NULL: nothing of ours. */
static const char *type_of_own(const struct viv_config *config)
{
	const char *root = viv_config_string(config, "virtualisation.rootFileSystem");

	if (!viv_config_string(config, "virtualisation.diskImage") ||
	    !viv_config_bool(config, "virtualisation.writableStore") ||
	    viv_config_bool(config, "virtualisation.writableStoreUseTmpfs") ||
	    !viv_config_bool(config, "virtualisation.useDefaultFilesystems"))
		return NULL;
	return root ? root : "ext4";
}

void viv_plan_disk_modules(const struct viv_config *config, struct viv_strv *ret)
{
	const char *type = type_of_own(config);

	if (type)
		viv_strv_push(ret, type);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(drivers); i++)
		if (viv_config_disks_use(config, drivers[i].interface))
			viv_strv_push_all(ret, drivers[i].modules);
}

void viv_plan_disk_packages(const struct viv_config *config, struct viv_strv *ret)
{
	const char *type = type_of_own(config);
	bool kept =
		type && !viv_streq(viv_config_string(config, "virtualisation.diskImage"), "fresh");

	/* A fresh overlay's disk is formatted by the host. */
	if (!type || (!kept && !viv_config_string(config, "virtualisation.rootFileSystem")))
		return;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(makers); i++)
		if (viv_streq(makers[i].type, type))
			viv_strv_push(ret, makers[i].package);
}

/* AHCI came into the cloud kernel with trixie. */
bool viv_plan_disks_full_kernel(const struct viv_config *config)
{
	static const char *const without[] = {"bullseye", "bookworm"};
	const char *release = viv_config_string(config, "packages.release");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(without); i++)
		if (viv_streq(release, without[i]))
			return viv_config_disks_use(config, "ide") ||
			       viv_config_string(config, "virtualisation.cdrom");
	return false;
}
