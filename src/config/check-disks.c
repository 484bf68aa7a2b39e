/* SPDX-License-Identifier: MIT */
#include "base/path.h"
#include "config/check-private.h"
#include "config/disks.h"
#include "config/filesystems.h"

/* Rules between the options of disks and of what is on them. */

static const struct viv_slot *child_of(const struct viv_slot *s, const char *key)
{
	for (size_t i = 0; i < s->n_children; i++)
		if (viv_streq(s->children[i]->key, key))
			return s->children[i];
	return s;
}

static void disk_fault(const struct viv_config_disk *d, const char *text, void *arg)
{
	const struct viv_slot *at = d->name ? child_of(option(arg, d->option), d->name) : NULL;

	if (at)
		fault(arg, at, at, "%s", text);
	else
		item_fault(arg, option(arg, d->option), d->index, "%s", text);
}

#define PARTUUID "/dev/disk/by-partuuid/"

/* A real root, and a root on another device, need what other options take away from them. */
static void check_root(struct viv_eval *ev, const char *name)
{
	static const struct {
		const char *name;
		bool needed;
	} switches[] = {
		{"virtualisation.writableStore", true},
		{"virtualisation.useDefaultFilesystems", true},
		{"virtualisation.writableStoreUseTmpfs", false},
	};
	const struct viv_slot *root = option(ev, name);
	const struct viv_slot *image = option(ev, "virtualisation.diskImage");
	const struct viv_slot *device = option(ev, "virtualisation.rootDevice");

	if (!root->value || root->value->kind == VIV_VALUE_NULL)
		return;
	if (root == device && root->value->kind == VIV_VALUE_STRING && viv_starts_with(root->value->text, PARTUUID))
		fault(ev, root, root, "%s… is not known before the system is up: name the partition by-partlabel, "
		      "or by-id", PARTUUID);
	if (image->value && image->value->kind == VIV_VALUE_NULL && device->value &&
	    device->value->kind == VIV_VALUE_NULL)
		fault(ev, root, root, "needs a disk, and virtualisation.diskImage is null");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(switches); i++) {
		const struct viv_slot *s = option(ev, switches[i].name);

		if (s->value && s->value->b != switches[i].needed)
			fault(ev, root, root, "can't be together with %s = %s", switches[i].name,
			      switches[i].needed ? "false" : "true");
	}
}

/* The options' values; *all owns them. */
static void disk_values(struct viv_eval *ev, json_t **all, struct viv_disk_values *ret)
{
	static const char *const names[] = {"virtualisation.emptyDiskImages", "virtualisation.qemu.drives",
					    "virtualisation.qemu.diskInterface", "disks", "raid", "lvm"};

	*all = json_object();
	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++)
		json_object_set_new(*all, names[i], value_of(ev, names[i]));
	*ret = (struct viv_disk_values){
		.empty = json_object_get(*all, names[0]),
		.drives = json_object_get(*all, names[1]),
		.interface = viv_json_str(*all, names[2]),
		.disks = json_object_get(*all, names[3]),
		.raid = json_object_get(*all, names[4]),
		.lvm = json_object_get(*all, names[5]),
	};
}

/* At the line of what is wrong: partitions are items of a list. */
static void place_fault(struct viv_eval *ev, const struct viv_layout_place *p, const char *text)
{
	static const char *const options[] = {
		[VIV_LAYOUT_DISK] = "disks",
		[VIV_LAYOUT_PARTITION] = "disks",
		[VIV_LAYOUT_RAID] = "raid",
		[VIV_LAYOUT_VOLUME] = "lvm",
	};
	const struct viv_slot *s = child_of(option(ev, options[p->kind]), p->name);
	const struct viv_slot *list = p->kind == VIV_LAYOUT_PARTITION ? given(s, "partitions") : NULL;

	if (list && list->value->kind == VIV_VALUE_LIST && p->number <= list->value->list.count) {
		item_fault(ev, list, p->number - 1, "%s", text);
		return;
	}
	if (p->kind == VIV_LAYOUT_VOLUME)
		s = child_of(child_of(s, "volumes"), p->volume);
	fault(ev, s, s, "%s", text);
}

static void layout_fault(const struct viv_layout_place *p, const char *name_of_option, const char *name,
			 const char *text, void *arg)
{
	const struct viv_slot *s;

	if (p) {
		place_fault(arg, p, text);
		return;
	}
	s = child_of(option(arg, name_of_option), name);
	fault(arg, s, s, "%s", text);
}

static void fs_fault(struct viv_eval *ev, const struct viv_config_fs *fs, const char *text)
{
	const struct viv_slot *s;

	if (fs->place) {
		place_fault(ev, fs->place, text);
		return;
	}
	s = child_of(option(ev, fs->option), fs->target);
	fault(ev, s, s, "%s", text);
}

/* A folder is mounted on by one of them; a set can't have it twice. */
static void check_once(struct viv_eval *ev, const struct viv_config_filesystems *f, size_t at)
{
	const struct viv_config_fs *fs = &f->items[at];

	for (size_t k = 0; fs->place && k < f->count; k++) {
		const struct viv_config_fs *o = &f->items[k];
		VIV_FREE char *other = o->place ? viv_layout_place_name(o->place) : viv_strdup(o->option);
		VIV_FREE char *text = viv_asprintf("%s mounts something on %s already", other, fs->target);

		if (viv_streq(o->target, fs->target) && (!o->place || k < at)) {
			place_fault(ev, fs->place, text);
			return;
		}
	}
}

/* systemd has one unit for a folder: of two descriptions one would win. */
static void check_others(struct viv_eval *ev, const struct viv_config_fs *fs)
{
	VIV_JSON *tmpfs = value_of(ev, "boot.tmp.useTmpfs"), *mounts = value_of(ev, "systemd.mounts");
	VIV_FREE char *text = viv_asprintf("systemd.mounts mounts something on %s already", fs->target);
	json_t *one;
	size_t i;

	if (json_is_true(tmpfs) && viv_streq(fs->target, "/tmp"))
		fs_fault(ev, fs, "boot.tmp.useTmpfs mounts something on /tmp already");
	json_array_foreach(mounts, i, one) {
		const char *where = viv_json_str(one, "where");
		VIV_FREE char *clean = where ? viv_path_clean(where) : NULL;

		if (clean && viv_streq(clean, fs->target))
			fs_fault(ev, fs, text);
	}
}

static void check_filesystems(struct viv_eval *ev, const struct viv_disk_values *disks)
{
	VIV_CLEANUP(viv_config_filesystems_free) struct viv_config_filesystems f = {0};
	VIV_JSON *all = value_of(ev, "fileSystems");
	VIV_JSON *of_machine = value_of(ev, "virtualisation.fileSystems");
	VIV_JSON *init = value_of(ev, "system.init");
	/* Another fault can have left it without a value. */
	bool systemd = !json_is_string(init) || viv_streq(json_string_value(init), "systemd");

	viv_filesystems_collect(all, of_machine, disks, &f);
	for (size_t i = 0; i < f.count; i++) {
		VIV_FREE char *text = viv_fs_fault(&f.items[i], systemd);

		if (text)
			fs_fault(ev, &f.items[i], text);
		check_once(ev, &f, i);
		check_others(ev, &f.items[i]);
	}
}

void viv_check_disks(struct viv_eval *ev)
{
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks disks = {0};
	VIV_CLEANUP(viv_layout_free) struct viv_layout layout = {0};
	VIV_JSON *all = NULL;
	struct viv_disk_values values;

	disk_values(ev, &all, &values);
	if (!values.interface)
		return; /* another fault */
	viv_disks_collect(&values, &disks);
	viv_disks_check(&disks, disk_fault, ev);
	viv_layout_collect(&values, &layout);
	viv_layout_check(&layout, layout_fault, ev);
	check_root(ev, "virtualisation.rootFileSystem");
	check_root(ev, "virtualisation.rootDevice");
	check_filesystems(ev, &values);
}
