/* SPDX-License-Identifier: MIT */
#include "config/filesystems.h"

#include "config/config.h"

#define ALL	   "fileSystems"
#define OF_MACHINE "virtualisation.fileSystems"

static const struct viv_fs_type types[] = {
	{"btrfs", "btrfs-progs", {"btrfs"}},
	{"exfat", "exfatprogs", {"exfat"}},
	{"ext2", "e2fsprogs", {"ext4"}},
	{"ext3", "e2fsprogs", {"ext4"}},
	{"ext4", "e2fsprogs", {"ext4"}},
	{"f2fs", "f2fs-tools", {"f2fs"}},
	{"vfat", "dosfstools", {"vfat", "nls_cp437", "nls_ascii"}},
	{"xfs", "xfsprogs", {"xfs"}},
};

const struct viv_fs_type *viv_fs_type_find(const char *name)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(types); i++)
		if (viv_streq(types[i].name, name))
			return &types[i];
	return NULL;
}

static void add(struct viv_config_filesystems *f, const char *option, const char *target,
		const json_t *entry)
{
	const char *device = viv_json_str(entry, "device"), *type = viv_json_str(entry, "fsType");

	f->items = viv_realloc(f->items, (f->count + 1) * sizeof(*f->items));
	f->items[f->count++] = (struct viv_config_fs){
		.option = option,
		.target = target,
		.device = device ? device : type,
		.type = type,
		.options = json_object_get(entry, "options"),
		.given = device,
		.early = json_is_true(json_object_get(entry, "neededForBoot")),
		.make = json_is_true(json_object_get(entry, "autoFormat")),
	};
}

/* What is mounted of declared disks. */
static void add_places(struct viv_config_filesystems *f)
{
	for (size_t i = 0; i < f->layout.n_places; i++) {
		const struct viv_layout_place *p = &f->layout.places[i];

		if (!p->target || !p->fs)
			continue;
		f->items = viv_realloc(f->items, (f->count + 1) * sizeof(*f->items));
		f->items[f->count++] = (struct viv_config_fs){
			.option = "disks",
			.target = p->target,
			.device = p->device,
			.type = p->fs,
			.options = p->options,
			.given = true,
			.early = p->early,
			.place = p,
		};
	}
}

static int by_target(const void *a, const void *b)
{
	const struct viv_config_fs *x = a, *y = b;

	return strcmp(x->target, y->target);
}

static bool is_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n]);
}

/* Must `other` be there before fs: where it is mounted, or the folder that it shows? */
static bool needs(const struct viv_config_fs *fs, const struct viv_config_fs *other)
{
	return fs != other &&
	       (is_in(fs->target, other->target) || is_in(fs->device, other->target));
}

/* Is nothing of items[from…] needed by items[at], which is one of them? */
static bool is_next(const struct viv_config_filesystems *f, size_t from, size_t at)
{
	for (size_t i = from; i < f->count; i++)
		if (needs(&f->items[at], &f->items[i]))
			return false;
	return true;
}

/* By target, but what is needed first. Of those that need each other the first comes first. */
static void sort(struct viv_config_filesystems *f)
{
	if (f->count)
		qsort(f->items, f->count, sizeof(*f->items), by_target);
	for (size_t from = 0; from < f->count; from++) {
		struct viv_config_fs next;
		size_t at = from;

		while (at < f->count && !is_next(f, from, at))
			at++;
		if (at == f->count)
			continue;
		next = f->items[at];
		memmove(&f->items[from + 1], &f->items[from], (at - from) * sizeof(next));
		f->items[from] = next;
	}
	/* What an early one needs is early, too. */
	for (size_t i = f->count; i-- > 0;)
		for (size_t k = 0; f->items[i].early && k < i; k++)
			f->items[k].early |= needs(&f->items[i], &f->items[k]);
}

void viv_filesystems_collect(const json_t *all, const json_t *of_machine,
			     const struct viv_disk_values *disks, struct viv_config_filesystems *ret)
{
	bool own = json_object_size(of_machine);
	const char *target;
	json_t *entry;

	*ret = (struct viv_config_filesystems){0};
	json_object_foreach((json_t *)(own ? of_machine : all), target, entry) {
		if (own || !viv_streq(target, "/"))
			add(ret, own ? OF_MACHINE : ALL, target, entry);
	}
	viv_layout_collect(disks, &ret->layout);
	if (!own)
		add_places(ret);
	sort(ret);
}

void viv_config_filesystems_get(const struct viv_config *c, struct viv_config_filesystems *ret)
{
	struct viv_disk_values disks;

	viv_disk_values_get(c, &disks);
	viv_filesystems_collect(viv_config_get(c, ALL), viv_config_get(c, OF_MACHINE), &disks, ret);
}

void viv_config_filesystems_free(struct viv_config_filesystems *f)
{
	free(f->items);
	viv_layout_free(&f->layout);
	*f = (struct viv_config_filesystems){0};
}

bool viv_fs_has_option(const struct viv_config_fs *fs, const char *option)
{
	json_t *o;
	size_t i;

	json_array_foreach((json_t *)fs->options, i, o)
		if (viv_streq(json_string_value(o), option))
			return true;
	return false;
}

char *viv_config_fs_where(const struct viv_config *c, const struct viv_config_fs *fs)
{
	VIV_FREE char *name = viv_asprintf("%s[\"%s\"]", fs->option, fs->target);

	return viv_asprintf("%s: %s", viv_config_place(c, name), name);
}

/* Nothing that has a name only once there is a file system can be made. */
static bool is_of_content(const char *device)
{
	static const char *const starts[] = {"LABEL=", "UUID=", "/dev/disk/by-label/",
					     "/dev/disk/by-uuid/"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(starts); i++)
		if (viv_starts_with(device, starts[i]))
			return true;
	return false;
}

static char *target_fault(const char *target)
{
	static const char *const kernels[] = {"/dev", "/proc", "/run", "/sys"};

	if (viv_streq(target, "/"))
		return viv_strdup("the root is for virtualisation.rootDevice and rootFileSystem");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(kernels); i++)
		if (viv_streq(target, kernels[i]))
			return viv_asprintf("%s is mounted anyway", target);
	return NULL;
}

/* Only a folder is mounted without any file system's driver. */
static bool is_bind(const struct viv_config_fs *fs)
{
	return viv_fs_has_option(fs, "bind") || viv_fs_has_option(fs, "rbind");
}

/* Its server is reached only when networks are up. */
static bool needs_network(const struct viv_config_fs *fs)
{
	static const char *const types_of_networks[] = {"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(types_of_networks); i++)
		if (viv_streq(fs->type, types_of_networks[i]))
			return true;
	return viv_fs_has_option(fs, "_netdev");
}

char *viv_fs_fault(const struct viv_config_fs *fs, bool systemd)
{
	bool memory = viv_streq(fs->type, "tmpfs") || viv_streq(fs->type, "ramfs");
	VIV_STR names = VIV_STR_INIT;

	if (!fs->given && !memory)
		return viv_strdup("it has no device");
	if (!*fs->device)
		return viv_strdup("its device is empty");
	if (!fs->make && !systemd && viv_streq(fs->type, "auto") && !is_bind(fs))
		return viv_strdup("without systemd nobody loads a driver for what is there: say its "
				  "fsType");
	if (!systemd && needs_network(fs) && !viv_fs_has_option(fs, "noauto"))
		return viv_strdup("without systemd it would be mounted before there is a network: "
				  "add the option noauto, and mount it in the command");
	if (!fs->make)
		return target_fault(fs->target);
	if (!fs->given || fs->device[0] != '/' || is_of_content(fs->device))
		return viv_strdup("autoFormat needs the device's own name, such as "
				  "/dev/disk/by-id/virtio-SERIAL: a label or UUID is there only when "
				  "it is formatted");
	if (viv_fs_type_find(fs->type))
		return target_fault(fs->target);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(types); i++)
		viv_str_addf(&names, "%s%s", i ? ", " : "", types[i].name);
	return viv_asprintf("autoFormat makes %s, and not fsType %s", names.data, fs->type);
}
