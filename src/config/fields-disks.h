/* SPDX-License-Identifier: MIT */
#pragma once

/* A part of the option table (table.c): what stands in the lists of disks. */

#include "config/option.h"

#define DISK_INTERFACES VIV_T_ENUM("virtio", "scsi", "ide", "nvme")
#define QEMU_OPTION                                                                                \
	VIV_T_EITHER(VIV_T_EITHER(VIV_T_BOOL, VIV_T(.kind = VIV_TYPE_INT)),                        \
		     VIV_T_TEXT(&viv_rule_line))

static const struct viv_option empty_disk_fields[] = {
	{.name = "size",
	 .type = VIV_T_NULL_OR(VIV_T_SIZE(1, 1 << 26)),
	 .fallback = "null",
	 .text = "Its size; a disk that has none is an error."},
	{.name = "serial",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_serial)),
	 .fallback = "null",
	 .fallback_text = "empty0 for the list's first, empty1, …",
	 .text = "What the guest finds it by: /dev/disk/by-id/virtio-SERIAL. At most 20 characters, "
		 "36 for scsi."},
	{.name = "interface",
	 .type = VIV_T_NULL_OR(DISK_INTERFACES),
	 .fallback = "null",
	 .fallback_text = "virtualisation.qemu.diskInterface",
	 .text = "How it is attached."},
	{.name = "format",
	 .type = VIV_T_ENUM("raw", "qcow2"),
	 .fallback = "\"raw\"",
	 .text = "The image's format; the guest sees no difference."},
};

static const struct viv_option drive_fields[] = {
	{.name = "name",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_serial)),
	 .fallback = "null",
	 .fallback_text = "drive0 for the list's first, drive1, …",
	 .text = "Its serial, which the guest finds it by: /dev/disk/by-id/virtio-NAME."},
	{.name = "file",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .text = "An image, or a disk or partition of the host (/dev/…); it must exist."},
	{.name = "format",
	 .type = VIV_T_NULL_OR(VIV_T_ENUM("raw", "qcow2")),
	 .fallback = "null",
	 .fallback_text = "qcow2 for a name that ends so, else raw",
	 .text = "The image's format. It is never guessed from the content, but checked against it."},
	{.name = "readOnly",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .text = "The guest can't write to it; several machines may use it at once."},
	{.name = "interface",
	 .type = VIV_T_NULL_OR(DISK_INTERFACES),
	 .fallback = "null",
	 .fallback_text = "virtualisation.qemu.diskInterface",
	 .text = "How it is attached."},
	{.name = "driveExtraOpts",
	 .type = VIV_T_SET(&viv_rule_word, "<name>", QEMU_OPTION),
	 .fallback = "{}",
	 .text = "Further options of QEMU's block driver (-blockdev), as they are."},
	{.name = "deviceExtraOpts",
	 .type = VIV_T_SET(&viv_rule_word, "<name>", QEMU_OPTION),
	 .fallback = "{}",
	 .text = "Further properties of QEMU's device (-device), as they are."},
};
