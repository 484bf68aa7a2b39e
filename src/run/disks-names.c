/* SPDX-License-Identifier: MIT */
#include "config/disks.h"
#include "config/filesystems.h"
#include "run/disks.h"

#include <ctype.h>

#define BY_ID "/dev/disk/by-id/"

static void list_all(const struct viv_config *config, bool own, struct viv_strv *ret)
{
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks disks = {0};

	viv_config_disks_get(config, &disks);
	for (size_t i = 0; i < disks.count; i++)
		viv_strv_take(ret, viv_disk_link(disks.items[i].interface, disks.items[i].serial));
	if (own)
		viv_strv_take(ret, viv_disk_link(viv_config_string(config, "virtualisation.qemu.diskInterface"),
						 VIV_DISK_OWN));
}

/* The disk's own name, of its "…-part1", too. NULL: no such name. */
static char *name_in(const char *device)
{
	const char *part = strstr(device, "-part");

	if (!viv_disk_is_link(device))
		return NULL;
	if (part && isdigit((unsigned char)part[5]))
		return viv_strndup(device, (size_t)(part - device));
	return viv_strdup(device);
}

/* udev puts more behind the serial of an nvme: the namespace's number. */
static bool is_one_of(const char *name, const struct viv_strv *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (viv_streq(name, names->items[i]) ||
		    (viv_starts_with(name, BY_ID "nvme-") && viv_starts_with(name, names->items[i]) &&
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
				     "%s: the machine has no disk %s (did you mean %s?)",
				     where, device, near.items[0]);
	return viv_error_say(err, ENOENT,
			     "%s: the machine has no disk %s\n"
			     "disks with a size, virtualisation.emptyDiskImages, qemu.drives and --disk give it one",
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

		if (!f.items[i].place && !viv_fs_has_option(&f.items[i], "nofail") &&
		    !viv_fs_has_option(&f.items[i], "noauto"))
			r = check(f.items[i].device, where, names, err);
	}
	return r;
}

/* Without one of its parts an array still starts: then it is the guest that says so. */
static bool is_needed(const struct viv_layout *l, const struct viv_layout_disk *d)
{
	for (size_t i = 0; i < (d->n_partitions ? d->n_partitions : 1); i++) {
		const struct viv_layout_place *p = &l->places[d->first + i];
		bool has_others = false;

		for (size_t r = 0; p->raid && r < l->n_raids; r++)
			has_others |= viv_streq(l->raids[r].name, p->raid) && l->raids[r].level == 1;
		if (!has_others)
			return true;
	}
	return false;
}

/* Those that `disks` only describes. */
static int check_layout(const struct viv_config *config, const struct viv_strv *names,
			struct viv_error *err)
{
	VIV_CLEANUP(viv_layout_free) struct viv_layout l = {0};
	struct viv_disk_values v;
	int r = 0;

	viv_disk_values_get(config, &v);
	viv_layout_collect(&v, &l);
	for (size_t i = 0; r == 0 && i < l.n_disks; i++) {
		VIV_FREE char *name = viv_asprintf("disks.%s", l.disks[i].name);
		VIV_FREE char *where = viv_asprintf("%s: %s", viv_config_place(config, name), name);

		if (is_needed(&l, &l.disks[i]))
			r = check(l.disks[i].device, where, names, err);
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
	if (r == 0)
		r = check_layout(config, &names, err);
	return r < 0 ? r : check_filesystems(config, &names, err);
}
