/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* What a machine's disks need of its initrd and its packages. */

#include "config/disks.h"
#include "config/filesystems.h"

/* virtio is there for the layers anyway. */
static const struct {
	const char *interface, *modules[3];
} drivers[] = {
	{"scsi", {"virtio_scsi", "sd_mod"}},
	{"ide", {"ahci", "sd_mod"}},
	{"nvme", {"nvme"}},
};

const char *viv_own_disk_type(const struct viv_config *config)
{
	const char *root = viv_config_string(config, "virtualisation.rootFileSystem");
	const char *device = viv_config_string(config, "virtualisation.rootDevice");

	if ((!device && !viv_config_string(config, "virtualisation.diskImage")) ||
	    !viv_config_bool(config, "virtualisation.writableStore") ||
	    viv_config_bool(config, "virtualisation.writableStoreUseTmpfs") ||
	    !viv_config_bool(config, "virtualisation.useDefaultFilesystems"))
		return NULL;
	return root ? root : "ext4";
}

static void add_type_modules(const struct viv_config *config, struct viv_strv *ret,
			     struct viv_strv *optional)
{
	VIV_CLEANUP(viv_config_filesystems_free) struct viv_config_filesystems f = {0};
	bool by_systemd = viv_uses_systemd(config);

	viv_config_filesystems_get(config, &f);
	viv_layout_modules(&f.layout, ret, optional);
	for (size_t i = 0; i < f.count; i++) {
		const struct viv_fs_type *type = viv_fs_type_find(f.items[i].type);

		if (by_systemd && !f.items[i].early)
			continue;
		if (type)
			viv_strv_push_all(ret, type->modules);
		else /* the alias that the kernel itself asks for */
			viv_strv_pushf(optional, "fs-%s", f.items[i].type);
	}
}

static void add_type_packages(const struct viv_config *config, struct viv_strv *ret)
{
	VIV_CLEANUP(viv_config_filesystems_free) struct viv_config_filesystems f = {0};

	viv_config_filesystems_get(config, &f);
	for (size_t i = 0; i < f.count; i++)
		if (f.items[i].make)
			viv_strv_push(ret, viv_fs_type_find(f.items[i].type)->package);
	viv_layout_packages(&f.layout, ret);
	if (f.count || f.layout.n_disks)
		viv_strv_push(ret, "mount");
}

static void modules(const struct viv_config *config, struct viv_strv *ret,
			   struct viv_strv *optional)
{
	const char *type = viv_own_disk_type(config);

	if (type)
		viv_strv_push(ret, type);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(drivers); i++)
		if (viv_config_disks_use(config, drivers[i].interface))
			viv_strv_push_all(ret, drivers[i].modules);
	add_type_modules(config, ret, optional);
}

static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	const char *type = viv_own_disk_type(config);
	const char *image = viv_config_string(config, "virtualisation.diskImage");
	bool by_host = image && viv_streq(image, "fresh") &&
		       !viv_config_string(config, "virtualisation.rootDevice") &&
		       !viv_config_string(config, "virtualisation.rootFileSystem");

	if (type && !by_host)
		viv_strv_push(ret, viv_fs_type_find(type)->package);
	add_type_packages(config, ret);
}

/* AHCI came into the cloud kernel with trixie. */
static bool full_kernel(const struct viv_config *config)
{
	static const char *const without[] = {"bullseye", "bookworm"};
	const char *release = viv_config_string(config, "packages.release");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(without); i++)
		if (viv_streq(release, without[i]))
			return viv_config_disks_use(config, "ide") ||
			       viv_config_string(config, "virtualisation.cdrom");
	return false;
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	viv_etc_add_layout(etc, config);
	return viv_etc_add_fstab(etc, config, err);
}

const struct viv_area viv_area_disks = {
	.files = files, .packages = packages, .modules = modules, .full_kernel = full_kernel};
