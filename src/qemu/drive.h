/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Disks as QEMU sees them: an image or an open file, a block driver above it, and a device. Errors
 * of the host's (a full file system) are reported to the guest, never wait for somebody.
 */

#include "base/str.h"

enum viv_drive_interface { VIV_DRIVE_VIRTIO, VIV_DRIVE_SCSI, VIV_DRIVE_IDE, VIV_DRIVE_NVME };

struct viv_drive {
	char *file;	    /* path of an image; NULL: see fd */
	int fd;		    /* file is NULL: an open file that QEMU inherits under this number */
	uint64_t blank_mib; /* a blank disk's size */
	bool in_common;	    /* fd holds several blank disks: this one is blank_mib from at_mib on */
	uint64_t at_mib;
	bool forgets;	    /* neither: nothing is behind a blank disk (pasted command lines) */
	const char *format; /* "raw" or "qcow2" */
	char *serial;	    /* at most viv_disk_serial_max() characters */
	enum viv_drive_interface interface;
	bool read_only; /* may be shared with other machines */
	bool scratch;	/* thrown away afterwards: flushes do nothing */
	bool device;	/* file is a block device of the host's */
	bool further;	/* the user's, beside the layers and the machine's own disk */
	int lock; /* > 2: keeps others off the image while it is open; closed with the drive */
	struct viv_strv drive_options, device_options; /* "name=value": QEMU's, as they are */
};

/* "virtio", "scsi", "ide", "nvme". False: none of them. */
bool viv_drive_interface_parse(const char *name, enum viv_drive_interface *ret);
void viv_drive_free_contents(struct viv_drive *d);

/* -blockdev and -device for each, and the controllers that they hang on. */
void viv_qemu_add_drives(const struct viv_drive *drives, size_t n, struct viv_strv *v);
