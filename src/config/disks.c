/* SPDX-License-Identifier: MIT */
#include "config/disks.h"

#include "config/config.h"

#define EMPTY	"virtualisation.emptyDiskImages"
#define DRIVES	"virtualisation.qemu.drives"
#define DECLARED "disks"
#define DEFAULT "virtualisation.qemu.diskInterface"

size_t viv_disk_serial_max(const char *interface)
{
	return viv_streq(interface, "scsi") ? 36 : 20; /* as in QEMU's hw/scsi, hw/block, hw/ide */
}

#define BY_ID "/dev/disk/by-id/"

static const struct {
	const char *interface, *start;
} links[] = {
	{"virtio", BY_ID "virtio-"},
	{"scsi", BY_ID "scsi-0QEMU_QEMU_HARDDISK_"},
	{"ide", BY_ID "ata-QEMU_HARDDISK_"},
	{"nvme", BY_ID "nvme-QEMU_NVMe_Ctrl_"},
};

char *viv_disk_link(const char *interface, const char *serial)
{
	size_t i = VIV_ARRAY_SIZE(links) - 1;

	while (i > 0 && !viv_streq(links[i].interface, interface))
		i--;
	return viv_asprintf("%s%s", links[i].start, serial);
}

bool viv_disk_is_link(const char *device)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(links); i++)
		if (viv_starts_with(device, links[i].start))
			return true;
	return false;
}

static struct viv_config_disk *add(struct viv_config_disks *d, const char *option, size_t index,
				   const json_t *entry, const char *interface)
{
	const char *asked = viv_json_str(entry, "interface");
	struct viv_config_disk *disk;

	d->items = viv_realloc(d->items, (d->count + 1) * sizeof(*d->items));
	disk = &d->items[d->count++];
	*disk = (struct viv_config_disk){
		.option = option, .index = index, .interface = asked ? asked : interface};
	return disk;
}

static void add_empty(struct viv_config_disks *d, size_t index, const json_t *entry,
		      const char *interface)
{
	struct viv_config_disk *disk = add(d, EMPTY, index, entry, interface);
	const json_t *size = json_is_object(entry) ? json_object_get(entry, "size") : entry;
	const char *serial = viv_json_str(entry, "serial");
	const char *format = viv_json_str(entry, "format");

	disk->size_mib = (uint64_t)json_integer_value(size);
	disk->format = format ? format : "raw";
	disk->serial = serial ? viv_strdup(serial) : viv_asprintf("empty%zu", index);
}

static void add_drive(struct viv_config_disks *d, size_t index, const json_t *entry,
		      const char *interface)
{
	struct viv_config_disk *disk = add(d, DRIVES, index, entry, interface);
	const char *name = viv_json_str(entry, "name"), *serial;

	disk->file = viv_json_str(entry, "file");
	disk->format = viv_json_str(entry, "format");
	if (!disk->format)
		disk->format = disk->file && viv_ends_with(disk->file, ".qcow2") ? "qcow2" : "raw";
	disk->read_only = json_is_true(json_object_get(entry, "readOnly"));
	disk->drive_options = json_object_get(entry, "driveExtraOpts");
	disk->device_options = json_object_get(entry, "deviceExtraOpts");
	serial = viv_json_str(disk->device_options, "serial");
	serial = serial ? serial : name;
	disk->serial = serial ? viv_strdup(serial) : viv_asprintf("drive%zu", index);
}

/* One of `disks`: with neither size nor image it describes one that is there otherwise. */
static void add_declared(struct viv_config_disks *d, const char *name, const json_t *entry,
			 const char *interface)
{
	uint64_t size_mib = (uint64_t)json_integer_value(json_object_get(entry, "size"));
	const char *image = viv_json_str(entry, "image");
	struct viv_config_disk *disk;

	if (!size_mib && !image)
		return;
	disk = add(d, DECLARED, 0, entry, interface);
	disk->name = name;
	disk->serial = viv_strdup(name);
	disk->size_mib = size_mib;
	disk->file = image;
	disk->format = image && viv_ends_with(image, ".qcow2") ? "qcow2" : "raw";
}

void viv_disks_collect(const struct viv_disk_values *v, struct viv_config_disks *ret)
{
	VIV_STRV names = VIV_STRV_INIT;
	json_t *entry;
	size_t i;

	*ret = (struct viv_config_disks){0};
	json_array_foreach((json_t *)v->empty, i, entry) add_empty(ret, i, entry, v->interface);
	json_array_foreach((json_t *)v->drives, i, entry) add_drive(ret, i, entry, v->interface);
	viv_json_keys(v->disks, &names);
	for (i = 0; i < names.count; i++) {
		void *at = json_object_iter_at((json_t *)v->disks, names.items[i]);

		add_declared(ret, json_object_iter_key(at), json_object_iter_value(at), v->interface);
	}
}

void viv_config_disks_get(const struct viv_config *c, struct viv_config_disks *ret)
{
	struct viv_disk_values v;

	viv_disk_values_get(c, &v);
	viv_disks_collect(&v, ret);
}

void viv_config_disks_free(struct viv_config_disks *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->items[i].serial);
	free(d->items);
	*d = (struct viv_config_disks){0};
}

bool viv_config_disks_use(const struct viv_config *c, const char *interface)
{
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks d = {0};

	viv_config_disks_get(c, &d);
	for (size_t i = 0; i < d.count; i++)
		if (viv_streq(d.items[i].interface, interface))
			return true;
	return viv_config_string(c, "virtualisation.diskImage") &&
	       viv_streq(viv_config_string(c, DEFAULT), interface);
}

char *viv_config_disk_where(const struct viv_config *c, const struct viv_config_disk *d)
{
	VIV_FREE char *place = NULL, *name = NULL;

	if (d->name) {
		name = viv_asprintf("%s.%s", d->option, d->name);
		return viv_asprintf("%s: %s", viv_config_place(c, name), name);
	}
	place = viv_config_item_place(c, d->option, d->index);
	return viv_asprintf("%s: %s[%zu]", place, d->option, d->index + 1);
}

static char *fault_of(const struct viv_config_disks *all, const struct viv_config_disk *d)
{
	size_t max = viv_disk_serial_max(d->interface);

	if (d == &all->items[VIV_DISKS_MAX])
		return viv_asprintf("a machine has at most %d disks beside its own", VIV_DISKS_MAX);
	if (!d->file && !d->size_mib)
		return viv_strdup(viv_streq(d->option, EMPTY) ? "it has no size"
							      : "it has no file");
	if (strlen(d->serial) > max)
		return viv_asprintf("the serial %s has %zu characters: a %s disk's has at most %zu",
				    d->serial, strlen(d->serial), d->interface, max);
	if (viv_starts_with(d->serial, "viv-"))
		return viv_asprintf("the serial %s is one of viv's own", d->serial);
	if (d->read_only && viv_streq(d->interface, "ide"))
		return viv_strdup("an ide disk can't be read-only: take virtio or scsi");
	for (const struct viv_config_disk *o = all->items; o < d; o++)
		if (viv_streq(o->serial, d->serial))
			return viv_asprintf("the serial %s is %s[%zu]'s already%s", d->serial,
					    o->option, o->index + 1,
					    d->name ? ": without size and image this describes that disk"
						    : "");
	return NULL;
}

void viv_disks_check(const struct viv_config_disks *d,
		     void (*fn)(const struct viv_config_disk *d, const char *text, void *arg),
		     void *arg)
{
	for (size_t i = 0; i < d->count; i++) {
		VIV_FREE char *text = fault_of(d, &d->items[i]);

		if (text)
			fn(&d->items[i], text, arg);
	}
}
