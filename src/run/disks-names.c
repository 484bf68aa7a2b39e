/* SPDX-License-Identifier: MIT */
#include "config/disks.h"
#include "config/filesystems.h"
#include "run/disks.h"

#include <ctype.h>

#define BY_ID "/dev/disk/by-id/"

/* udev's names of QEMU's disks, and those that init-links.c of the guest makes. */
static const struct {
	const char *interface, *start;
} kinds[] = {
	{"virtio", "virtio-"},
	{"scsi", "scsi-0QEMU_QEMU_HARDDISK_"},
	{"ide", "ata-QEMU_HARDDISK_"},
	{"nvme", "nvme-QEMU_NVMe_Ctrl_"},
};

static void add_name(struct viv_strv *to, const char *interface, const char *serial)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(kinds); i++)
		if (viv_streq(interface, kinds[i].interface))
			viv_strv_pushf(to, "%s%s", kinds[i].start, serial);
}

static void list_all(const struct viv_config *config, bool own, struct viv_strv *ret)
{
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks disks = {0};

	viv_config_disks_get(config, &disks);
	for (size_t i = 0; i < disks.count; i++)
		add_name(ret, disks.items[i].interface, disks.items[i].serial);
	if (own)
		add_name(ret, viv_config_string(config, "virtualisation.qemu.diskInterface"),
			 VIV_DISK_OWN);
}

/* A disk's own name: "virtio-data" of "/dev/disk/by-id/virtio-data-part1". NULL: no such name. */
static char *name_in(const char *device)
{
	const char *name = device + strlen(BY_ID), *part;
	bool ours = false;

	if (!viv_starts_with(device, BY_ID))
		return NULL;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(kinds); i++)
		ours = ours || viv_starts_with(name, kinds[i].start);
	if (!ours)
		return NULL;
	part = strstr(name, "-part");
	if (part && isdigit((unsigned char)part[5]))
		return viv_strndup(name, (size_t)(part - name));
	return viv_strdup(name);
}

/* udev puts more behind the serial of an nvme: the namespace's number. */
static bool is_one_of(const char *name, const struct viv_strv *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (viv_streq(name, names->items[i]) ||
		    (viv_starts_with(name, "nvme-") && viv_starts_with(name, names->items[i]) &&
		     name[strlen(names->items[i])] == '_'))
			return true;
	return false;
}

static int check(const char *device, const char *where, const struct viv_strv *names,
		 struct viv_error *err)
{
	VIV_FREE char *name = name_in(device);
	VIV_STRV near = VIV_STRV_INIT;

	if (!name || is_one_of(name, names))
		return 0;
	viv_suggest(name, (const char *const *)names->items, names->count, 1, &near);
	if (near.count)
		return viv_error_say(err, ENOENT,
				     "%s: the machine has no disk %s (did you mean " BY_ID "%s?)",
				     where, device, near.items[0]);
	return viv_error_say(err, ENOENT,
			     "%s: the machine has no disk %s\n"
			     "virtualisation.emptyDiskImages, qemu.drives and --disk give it one",
			     where, device);
}

static int check_filesystems(const struct viv_config *config, const struct viv_strv *names,
			     struct viv_error *err)
{
	VIV_CLEANUP(viv_config_filesystems_free) struct viv_config_filesystems f = {0};
	int r = 0;

	viv_config_filesystems_get(config, &f);
	for (size_t i = 0; r == 0 && i < f.count; i++) {
		VIV_FREE char *where = viv_config_fs_where(config, &f.items[i]);

		if (!viv_fs_has_option(&f.items[i], "nofail") &&
		    !viv_fs_has_option(&f.items[i], "noauto"))
			r = check(f.items[i].device, where, names, err);
	}
	return r;
}

int viv_disks_check_names(const struct viv_config *config, bool own, struct viv_error *err)
{
	const char *root = viv_config_string(config, "virtualisation.rootDevice");
	VIV_FREE char *where = viv_asprintf("%s: virtualisation.rootDevice",
					    viv_config_place(config, "virtualisation.rootDevice"));
	VIV_STRV names = VIV_STRV_INIT;
	int r;

	if (json_array_size(viv_config_get(config, "virtualisation.qemu.options")))
		return 0;
	list_all(config, own, &names);
	r = root ? check(root, where, &names, err) : 0;
	return r < 0 ? r : check_filesystems(config, &names, err);
}
