/* SPDX-License-Identifier: MIT */
/* Disks, and what is on them. */

#include "config/options/area.h"

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

static const struct viv_option file_system_fields[] = {
	{.name = "device",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_line)),
	 .fallback = "null",
	 .example = "\"/dev/disk/by-id/virtio-scratch\"",
	 .text = "What is mounted: a disk by its serial (docs/disks.md has the names), a partition of it "
		 "(…-part1), \"LABEL=…\", \"UUID=…\", a folder for the option bind. It must be given, "
		 "but for tmpfs."},
	{.name = "fsType",
	 .type = VIV_T_TEXT(&viv_rule_fs_type),
	 .fallback = "\"auto\"",
	 .example = "\"xfs\"",
	 .text = "Its type; auto is whatever is there, for systemd to find out."},
	{.name = "options",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_word)),
	 .fallback = "[]",
	 .fallback_text = "defaults",
	 .example = "{ \"noatime\", \"discard\" }",
	 .text = "Options of mount(8). With nofail the machine starts without it, too."},
	{.name = "neededForBoot",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "It is mounted before the init system starts."},
	{.name = "autoFormat",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "If the device is empty, the file system is made, by the machine itself. What is on "
		 "it is never touched."},
};

static const struct viv_option rows[] = {
	{.name = "fileSystems",
	 .type = VIV_T_SET(&viv_rule_guest_path, "<path>", VIV_T_SUBMODULE(file_system_fields)),
	 .fallback = "{}",
	 .example = "{ [\"/data\"] = { device = \"/dev/disk/by-id/virtio-empty0\", fsType = \"ext4\", "
		    "autoFormat = true } }",
	 .text = "What the machine mounts beside its root, by the folder. \"/\" is for real hardware "
		 "alone; so is all of it where virtualisation.fileSystems has anything."},
	{.name = "virtualisation.diskImage",
	 .type = VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_ENUM("fresh"), VIV_T_PATH)),
	 .fallback = "\"fresh\"",
	 .example = "\"./vm.qcow2\"",
	 .text = "The machine's own disk. A path: made at the first start and kept. \"fresh\": a "
		 "sparse one of diskSize, thrown away afterwards. null: writes go to memory."},
	{.name = "virtualisation.diskSize",
	 .type = VIV_T_SIZE(16, 1 << 26),
	 .fallback = "1024",
	 .example = "\"8G\"",
	 .text = "Size of the machine's own disk when it is made, in MiB or as \"8G\"."},
	{.name = "virtualisation.emptyDiskImages",
	 .type = VIV_T_LIST(VIV_T_EITHER(VIV_T_SUBMODULE(empty_disk_fields),
					 VIV_T_SIZE(1, 1 << 26))),
	 .fallback = "[]",
	 .example = "{ \"8G\", { size = \"4G\", serial = \"scratch\" } }",
	 .text = "Blank disks, thrown away when the machine ends: a size each, or more about it. The "
		 "guest finds one by its serial."},
	{.name = "virtualisation.fileSystems",
	 .type = VIV_T_SET(&viv_rule_guest_path, "<path>", VIV_T_SUBMODULE(file_system_fields)),
	 .fallback = "{}",
	 .example = "{ [\"/data\"] = { fsType = \"tmpfs\" } }",
	 .text = "What the virtual machine mounts instead of all that fileSystems says."},
	{.name = "virtualisation.qemu.diskInterface",
	 .type = DISK_INTERFACES,
	 .fallback = "\"virtio\"",
	 .example = "\"nvme\"",
	 .text = "How the machine's disks are attached, where a disk says nothing else. The layers "
		 "of its system are always virtio."},
	{.name = "virtualisation.qemu.drives",
	 .type = VIV_T_LIST(VIV_T_SUBMODULE(drive_fields)),
	 .fallback = "[]",
	 .example = "{ { name = \"data\", file = \"/srv/data.qcow2\", readOnly = true } }",
	 .text = "Existing images, or disks and partitions of the host, as further disks."},
	{.name = "virtualisation.rootDevice",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_device)),
	 .fallback = "null",
	 .fallback_text = "the machine's own disk",
	 .example = "\"/dev/disk/by-id/virtio-data-part1\"",
	 .text = "The disk or partition that takes what the machine writes, or with rootFileSystem the "
		 "whole system, by id, label, UUID or partition label. If it is empty, its file system "
		 "is made. The machine's own disk stays as it is then."},
	{.name = "virtualisation.rootFileSystem",
	 .type = VIV_T_NULL_OR(VIV_T_ENUM("ext4", "xfs", "btrfs")),
	 .fallback = "null",
	 .fallback_text = "the layers, with an overlay for what is written",
	 .example = "\"xfs\"",
	 .text = "A real root: at the first start the whole system is copied onto the machine's own "
		 "disk, with this file system, and runs from there, without an overlay. Give it the "
		 "room: diskSize."},
	{.name = "virtualisation.useDefaultFilesystems",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "The machine's own disk is formatted and takes what the machine writes. false: it stays "
		 "as it is, empty at first, and writes go to memory."},
	{.name = "virtualisation.writableStore",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "The machine may write over its read-only layers."},
	{.name = "virtualisation.writableStoreUseTmpfs",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "What it writes over them goes to memory, even if it has a disk of its own."},
};

const struct viv_option_area viv_options_disks = VIV_OPTION_AREA(rows);
