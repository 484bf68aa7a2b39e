/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The disks that a machine has beside its own (virtualisation.emptyDiskImages, qemu.drives, disks), each
 * with what the options leave open filled in: one list for the checks, the plan (which drivers the
 * guest needs) and the start.
 */

#include "config/layout.h"

struct viv_config_disk {
	const char *option;    /* where it stands */
	size_t index;	       /* from 0, in that list */
	const char *name;      /* in that set; NULL: it is a list */
	char *serial;	       /* never NULL: "empty0", "drive0", … where none is given */
	const char *interface; /* "virtio", "scsi", "ide", "nvme" */
	uint64_t size_mib;     /* a blank disk's, or what a kept image is made of; 0: there is an image */
	const char *file;      /* the image, absolute; NULL: a blank disk */
	const char *format;    /* "raw", "qcow2"; by the file's name where not given */
	bool read_only;
	const json_t *drive_options, *device_options; /* objects or NULL */
};

struct viv_config_disks {
	struct viv_config_disk *items;
	size_t count;
};

#define VIV_DISKS_MAX 64 /* what q35 has room for beside all else, eight to a slot */

/* Longest serial that a guest sees whole. */
size_t viv_disk_serial_max(const char *interface);

/* udev's name of QEMU's disk, which guest/init-links.c makes, too: "/dev/disk/by-id/virtio-SERIAL". */
char *viv_disk_link(const char *interface, const char *serial);
bool viv_disk_is_link(const char *device); /* one of such a name, or a partition of it */

/* From the options' values. Texts are borrowed from them, and stay theirs. */
void viv_disks_collect(const struct viv_disk_values *v, struct viv_config_disks *ret);
void viv_config_disks_get(const struct viv_config *c, struct viv_config_disks *ret);
void viv_config_disks_free(struct viv_config_disks *d); /* the contents */

/* Is there a disk, the machine's own included, with this interface? */
bool viv_config_disks_use(const struct viv_config *c, const char *interface);

/* "vm.lua:3: virtualisation.qemu.drives[2]", for messages. The caller frees it. */
char *viv_config_disk_where(const struct viv_config *c, const struct viv_config_disk *d);

/*
 * What no type can say: serials that are too long, reserved or there twice, combinations that no
 * hardware has. Calls fn for each fault with text about the disk.
 */
void viv_disks_check(const struct viv_config_disks *d,
		     void (*fn)(const struct viv_config_disk *d, const char *text, void *arg),
		     void *arg);
