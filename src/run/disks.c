/* SPDX-License-Identifier: MIT */
#include "run/disks.h"

#include "base/hash.h"
#include "base/path.h"
#include "config/disks.h"
#include "run/disk-image.h"
#include "run/disk.h"
#include "run/firmware.h"

#include <sys/stat.h>
#include <unistd.h>

enum viv_drive_interface viv_disks_default_interface(const struct viv_config *config)
{
	enum viv_drive_interface i = VIV_DRIVE_VIRTIO;

	viv_drive_interface_parse(viv_config_string(config, "virtualisation.qemu.diskInterface"),
				  &i);
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

/* The run script's descriptor of all blank disks: a shell need not know many, nor those of two digits. */
#define SCRIPT_FD 3

/* Where nothing is made. */
static int describe_blank(const struct viv_config_disk *disk, const struct viv_system_extra *extra,
			  uint64_t at_mib, struct viv_drive *d)
{
	d->format = "raw";
	d->blank_mib = disk->size_mib;
	d->forgets = !extra->for_script;
	d->in_common = extra->for_script;
	d->at_mib = at_mib;
	d->fd = SCRIPT_FD;
	return 0;
}

static int fill(const struct viv_config_disk *disk, const struct viv_system_extra *extra,
		uint64_t at_mib, struct viv_drive *d, struct viv_error *err)
{
	bool dry = extra->no_disk || extra->for_script;

	d->format = disk->format;
	d->read_only = disk->read_only;
	if (disk->file && disk->size_mib && !dry)
		return viv_disk_kept(disk->file, disk->size_mib, false, d, err);
	if (disk->file && !dry)
		return viv_disk_image_open(disk->file, disk->format, d, err);
	if (disk->file) {
		d->file = viv_strdup(disk->file);
		d->device = viv_starts_with(disk->file, "/dev/");
		return 0;
	}
	d->scratch = true;
	if (dry)
		return describe_blank(disk, extra, at_mib, d);
	return viv_disk_blank(disk->size_mib, disk->format, &d->fd, err);
}

/* One file for two disks of a machine would be two that write over each other. */
static int check_once(const struct viv_machine *m, const char *file, bool read_only,
		      struct viv_error *err)
{
	struct stat st, other;

	if (!file || stat(file, &st) < 0)
		return 0;
	for (size_t i = 0; i < m->n_drives; i++) {
		const struct viv_drive *d = &m->drives[i];

		if (d->file && d->lock > 2 && !(d->read_only && read_only) &&
		    stat(d->file, &other) == 0 && st.st_dev == other.st_dev &&
		    st.st_ino == other.st_ino)
			return viv_error_say(err, EBUSY, "%s is this machine's disk %s already",
					     file, d->serial);
	}
	return 0;
}

static int add(const struct viv_config *config, const struct viv_config_disk *disk,
	       const struct viv_system_extra *extra, uint64_t at_mib, struct viv_machine *m,
	       struct viv_error *err)
{
	int r = check_once(m, disk->file, disk->read_only, err);
	struct viv_drive *d = viv_machine_add_drive(m);

	d->further = true;
	d->serial = viv_strdup(disk->serial);
	viv_drive_interface_parse(disk->interface, &d->interface);
	add_options(disk->drive_options, &d->drive_options);
	add_options(disk->device_options, &d->device_options);
	if (r == 0)
		r = fill(disk, extra, at_mib, d, err);
	if (r < 0) {
		VIV_FREE char *where = viv_config_disk_where(config, disk);

		viv_error_context(err, "%s", where);
	}
	return r;
}

static int add_further(const struct viv_config *config, const struct viv_system_extra *extra,
		       struct viv_machine *m, struct viv_error *err)
{
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks disks = {0};
	uint64_t at_mib = 0;
	int r = 0;

	viv_config_disks_get(config, &disks);
	for (size_t i = 0; r == 0 && i < disks.count; i++) {
		r = add(config, &disks.items[i], extra, at_mib, m, err);
		at_mib += disks.items[i].file ? 0 : disks.items[i].size_mib;
	}
	return r;
}

/* The machine's own */

static const char image_option[] = "virtualisation.diskImage";

static const char *image_of(const struct viv_config *config, const struct viv_system_extra *extra)
{
	return extra->disk_image ? extra->disk_image : viv_config_string(config, image_option);
}

/* What it writes to instead of its own disk; NULL: nothing. */
static const char *device_of(const struct viv_config *config)
{
	return viv_config_string(config, "virtualisation.rootDevice");
}

static const char *root_of(const struct viv_config *config)
{
	return viv_config_string(config, "virtualisation.rootFileSystem");
}

const char *viv_disks_upper(const struct viv_config *config, const struct viv_system_extra *extra)
{
	const char *image = image_of(config, extra);

	if (device_of(config))
		return "disk";
	if (!viv_config_bool(config, "virtualisation.writableStore"))
		return "none";
	if (!image || viv_config_bool(config, "virtualisation.writableStoreUseTmpfs") ||
	    !viv_config_bool(config, "virtualisation.useDefaultFilesystems"))
		return "memory";
	/* A pasted command line has nothing to write to. */
	return viv_streq(image, "fresh") && extra->no_disk ? "memory" : "disk";
}

static bool names_own(const char *device)
{
	return strstr(device, VIV_DISK_OWN);
}

bool viv_disks_has_own(const struct viv_config *config, const struct viv_system_extra *extra)
{
	const char *image = image_of(config, extra);

	/* One that is new holds nothing that the name could stand for but itself. */
	if (device_of(config))
		return image && (!viv_streq(image, "fresh") || names_own(device_of(config)));
	if (viv_streq(viv_disks_upper(config, extra), "disk"))
		return true;
	return image && !viv_config_bool(config, "virtualisation.useDefaultFilesystems") &&
	       !(viv_streq(image, "fresh") && extra->no_disk);
}

bool viv_disks_own_is_blank(const struct viv_config *config)
{
	return root_of(config) || device_of(config) || viv_firmware_is_foreign(config) ||
	       !viv_config_bool(config, "virtualisation.useDefaultFilesystems");
}

static int own_path(const struct viv_config *config, const struct viv_system_extra *extra,
		    char **ret, struct viv_error *err)
{
	const char *image = image_of(config, extra);

	if (extra->disk_image)
		return viv_path_absolute(image, ret, err);
	*ret = viv_path_join(viv_config_folder(config), image);
	return 0;
}

static int make_own(const struct viv_config *config, const struct viv_system_extra *extra,
		    struct viv_drive *d, struct viv_error *err)
{
	uint64_t size = (uint64_t)viv_config_int(config, "virtualisation.diskSize");
	const char *image = image_of(config, extra);
	VIV_FREE char *path = NULL;
	int r;

	d->scratch = viv_streq(image, "fresh");
	if (d->scratch)
		return viv_disks_own_is_blank(config) ? viv_disk_blank(size, "raw", &d->fd, err)
						      : viv_disk_fresh(size, &d->fd, err);
	r = own_path(config, extra, &path, err);
	if (r < 0)
		return r;
	return viv_disk_kept(path, size, extra->fresh && !extra->no_disk, d, err);
}

static int add_own(const struct viv_config *config, const struct viv_system_extra *extra,
		   struct viv_machine *m, struct viv_error *err)
{
	struct viv_drive *d = viv_machine_add_drive(m);
	int r;

	d->serial = viv_strdup(VIV_DISK_OWN);
	d->interface = viv_disks_default_interface(config);
	r = make_own(config, extra, d, err);
	if (r < 0 && extra->disk_image)
		viv_error_context(err, "VIV_DISK_IMAGE");
	else if (r < 0)
		viv_error_context(err, "%s: %s", viv_config_place(config, image_option),
				  image_option);
	return r;
}

/* Those that exist by now; what is wrong with making one comes up when it is made. */
static int check_images(const struct viv_config *config, const struct viv_system_extra *extra,
			struct viv_error *err)
{
	VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {0};
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks disks = {0};
	VIV_FREE char *own = NULL;
	int r = 0;

	if (viv_disks_has_own(config, extra) && !extra->fresh &&
	    !viv_streq(image_of(config, extra), "fresh"))
		r = own_path(config, extra, &own, err);
	if (own && access(own, F_OK) == 0)
		r = add_own(config, extra, &m, err);
	viv_config_disks_get(config, &disks);
	for (size_t i = 0; r == 0 && i < disks.count; i++)
		if (disks.items[i].file &&
		    (!disks.items[i].size_mib || access(disks.items[i].file, F_OK) == 0))
			r = add(config, &disks.items[i], extra, 0, &m, err);
	return r;
}

int viv_disks_check_host(const struct viv_config *config, const struct viv_system_extra *extra,
		    struct viv_error *err)
{
	int r = 0;

	if (!extra->qemu_options)
		r = viv_disks_check_names(config, viv_disks_has_own(config, extra), err);
	return r < 0 || extra->no_disk ? r : check_images(config, extra, err);
}

int viv_disks_add(const struct viv_config *config, const struct viv_system_extra *extra,
		  struct viv_machine *m, struct viv_error *err)
{
	int r = 0;

	if (!extra->for_script && viv_disks_has_own(config, extra))
		r = add_own(config, extra, m, err);
	return r < 0 ? r : add_further(config, extra, m, err);
}

/* The layers as one short text: a layer's path ends in its id, or in a file of it. */
static void base_of(const struct viv_system *system, char ret[VIV_SHA256_HEX])
{
	VIV_STR all = VIV_STR_INIT;

	for (size_t i = 0; i < system->layers.count; i++) {
		const char *path = system->layers.items[i], *id = strstr(path, "/objects/");

		viv_str_addf(&all, "%s\n", id ? id : path);
	}
	viv_sha256_of(all.data, all.len, ret);
}

void viv_disks_params(const struct viv_config *config, const struct viv_system *system,
		      const struct viv_system_extra *extra, struct viv_strv *ret)
{
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks disks = {0};
	char base[VIV_SHA256_HEX];
	size_t n;

	viv_config_disks_get(config, &disks);
	/* Its own counts where the root may be on it. */
	n = disks.count + (device_of(config) && viv_disks_has_own(config, extra));
	if (n)
		viv_strv_pushf(ret, "viv.disks=%zu", n);
	if (!viv_streq(viv_disks_upper(config, extra), "disk"))
		return;
	base_of(system, base);
	viv_strv_pushf(ret, "viv.base=%.32s", base);
	if (device_of(config))
		viv_strv_pushf(ret, "viv.device=%s", device_of(config));
	if (root_of(config))
		viv_strv_pushf(ret, "viv.root=%s", root_of(config));
	if (extra->rebase)
		viv_strv_push(ret, "viv.rebase");
}
