/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "config/filesystems.h"

/* A field of fstab(5): blanks and backslashes in octal. */
static void add_field(struct viv_str *s, const char *text)
{
	for (; *text; text++)
		if (strchr(" \t\\#", *text))
			viv_str_addf(s, "\\%03o", (unsigned)(unsigned char)*text);
		else
			viv_str_add_char(s, *text);
	viv_str_add_char(s, ' ');
}

/* A tag, which mount looks for itself where no udev has made the link. */
static void add_device(struct viv_str *s, const char *device)
{
	static const char *const tags[][2] = {{"/dev/disk/by-label/", "LABEL="},
					      {"/dev/disk/by-uuid/", "UUID="},
					      {"/dev/disk/by-partlabel/", "PARTLABEL="},
					      {"/dev/disk/by-partuuid/", "PARTUUID="}};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(tags); i++)
		if (viv_starts_with(device, tags[i][0]) && !strchr(device, '\\')) {
			viv_str_add(s, tags[i][1]);
			device += strlen(tags[i][0]);
			break;
		}
	add_field(s, device);
}

/*
 * viv's init has seen the device, or ended the start: only udev is still to come to it, which can take its time
 * where a processor is emulated on a busy host.
 */
#define IS_THERE "x-systemd.device-timeout=10min"

/* What the init system knows of these, our own understands, too (guest/init-filesystems.c). */
static void add_options(struct viv_str *s, const struct viv_config_fs *fs)
{
	VIV_STR all = VIV_STR_INIT;
	json_t *o;
	size_t i;

	json_array_foreach((json_t *)fs->options, i, o)
		viv_str_addf(&all, "%s%s", all.len ? "," : "", json_string_value(o));
	if (fs->early)
		viv_str_addf(&all, "%sx-initrd.mount", all.len ? "," : "");
	if (fs->make)
		viv_str_addf(&all, "%sx-systemd.makefs", all.len ? "," : "");
	if (fs->place)
		viv_str_addf(&all, "%s" IS_THERE, all.len ? "," : "");
	add_field(s, all.len ? all.data : "defaults");
}

/*
 * Where the root can't be written nobody makes it later. What lies below the system's own folders, which
 * may be links or have modes of their own, has to be there.
 */
static void add_mount_point(struct viv_etc *etc, const char *target)
{
	static const char *const systems[] = {"bin", "boot", "dev", "etc", "proc", "root", "run",
					      "sbin", "sys", "tmp", "usr", "var"};
	struct viv_slice first = {target + 1, strcspn(target + 1, "/")};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(systems); i++)
		if (viv_slice_eq(first, systems[i]))
			return;
	if (!viv_starts_with(target, "/lib")) /* lib64 and the like */
		viv_etc_add(etc, "fileSystems", target + 1, VIV_ETC_FOLDER, 0755, NULL);
}

/* Of declared disks. */
static void add_swaps(struct viv_str *s, const struct viv_layout *l)
{
	for (size_t i = 0; i < l->n_places; i++) {
		if (!l->places[i].fs || !viv_streq(l->places[i].fs, "swap"))
			continue;
		add_device(s, l->places[i].device);
		viv_str_add(s, "none swap " IS_THERE " 0 0\n");
	}
}

int viv_etc_add_fstab(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	VIV_CLEANUP(viv_config_filesystems_free) struct viv_config_filesystems f = {0};
	bool fixed = !viv_config_bool(config, "virtualisation.writableStore");
	VIV_STR s = VIV_STR_INIT;

	viv_str_add(&s, "# the root is put together by the initrd\n");
	viv_config_filesystems_get(config, &f);
	for (size_t i = 0; i < f.count; i++) {
		add_device(&s, f.items[i].device);
		add_field(&s, f.items[i].target);
		add_field(&s, f.items[i].type);
		add_options(&s, &f.items[i]);
		viv_str_add(&s, "0 0\n");
		if (fixed)
			add_mount_point(etc, f.items[i].target);
	}
	add_swaps(&s, &f.layout);
	viv_etc_add_text(etc, "fileSystems", "etc/fstab", s.data);
	return 0;
}
