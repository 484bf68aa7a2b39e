/* SPDX-License-Identifier: MIT */
#include "run/disks.h"

#include "config/disks.h"
#include "run/disk-image.h"
#include "run/disk.h"

enum viv_drive_interface viv_disks_default_interface(const struct viv_config *config)
{
	enum viv_drive_interface i = VIV_DRIVE_VIRTIO;

	viv_drive_interface_parse(viv_config_string(config, "virtualisation.qemu.diskInterface"), &i);
	return i;
}

/* The serial stands on its own: there it may be given, too. */
static void add_options(const json_t *options, struct viv_strv *to)
{
	VIV_STRV keys = VIV_STRV_INIT;

	viv_json_keys(options, &keys);
	for (size_t i = 0; i < keys.count; i++) {
		const char *key = keys.items[i];
		const json_t *v = json_object_get(options, key);

		if (viv_streq(key, "serial"))
			continue;
		if (json_is_string(v))
			viv_strv_pushf(to, "%s=%s", key, json_string_value(v));
		else if (json_is_integer(v))
			viv_strv_pushf(to, "%s=%lld", key, (long long)json_integer_value(v));
		else
			viv_strv_pushf(to, "%s=%s", key, json_is_true(v) ? "on" : "off");
	}
}

static int fill(const struct viv_config_disk *disk, bool dry, struct viv_drive *d,
		struct viv_error *err)
{
	d->format = disk->format;
	d->read_only = disk->read_only;
	if (disk->file && !dry)
		return viv_disk_image_open(disk->file, disk->format, d, err);
	if (disk->file) {
		d->file = viv_strdup(disk->file);
		return 0;
	}
	d->scratch = true;
	if (!dry)
		return viv_disk_blank(disk->size_mib, disk->format, &d->fd, err);
	d->nothing_mib = disk->size_mib;
	return 0;
}

static int add(const struct viv_config *config, const struct viv_config_disk *disk, bool dry,
	       struct viv_machine *m, struct viv_error *err)
{
	struct viv_drive *d = viv_machine_add_drive(m);
	int r;

	d->further = true;
	d->serial = viv_strdup(disk->serial);
	viv_drive_interface_parse(disk->interface, &d->interface);
	add_options(disk->drive_options, &d->drive_options);
	add_options(disk->device_options, &d->device_options);
	r = fill(disk, dry, d, err);
	if (r < 0) {
		VIV_FREE char *where = viv_config_disk_where(config, disk);

		viv_error_context(err, "%s", where);
	}
	return r;
}

int viv_disks_add(const struct viv_config *config, bool dry, struct viv_machine *m,
		  struct viv_error *err)
{
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks disks = {0};
	int r = 0;

	viv_config_disks_get(config, &disks);
	for (size_t i = 0; r == 0 && i < disks.count; i++)
		r = add(config, &disks.items[i], dry, m, err);
	return r;
}
