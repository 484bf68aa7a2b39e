/* SPDX-License-Identifier: MIT */
/* What disks hold: tables, partitions, arrays, volumes, file systems. */

#include "config/options/area.h"

#define NAME_OR_NULL VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_label))

/* Of everything that can hold something. */
#define CONTENT                                                                                    \
	{.name = "fsType",                                                                         \
	 .type = VIV_T_NULL_OR(VIV_T_ENUM("ext4", "xfs", "btrfs", "vfat", "swap")),                \
	 .fallback = "null",                                                                       \
	 .example = "\"xfs\"",                                                                     \
	 .text = "The file system that is made in it if it is empty, or swap, which is then used."}, \
	{.name = "label",                                                                          \
	 .type = NAME_OR_NULL,                                                                     \
	 .fallback = "null",                                                                       \
	 .example = "\"data\"",                                                                    \
	 .text = "Its label: at most 16 characters with ext4, 12 with xfs, 11 with vfat, 15 with swap."}, \
	{.name = "mountPoint",                                                                     \
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_guest_path)),                                  \
	 .fallback = "null",                                                                       \
	 .example = "\"/srv\"",                                                                    \
	 .text = "Where it is mounted, as if it stood in fileSystems."},                           \
	{.name = "options",                                                                        \
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_word)),                                           \
	 .fallback = "[]",                                                                         \
	 .fallback_text = "defaults",                                                              \
	 .example = "{ \"noatime\" }",                                                             \
	 .text = "Options of mount(8)."},                                                          \
	{.name = "neededForBoot",                                                                  \
	 .type = VIV_T_BOOL,                                                                       \
	 .fallback = "false",                                                                      \
	 .example = "true",                                                                        \
	 .text = "It is mounted before the init system starts."}

#define PART_OF_GROUP                                                                              \
	{.name = "volumeGroup",                                                                    \
	 .type = NAME_OR_NULL,                                                                     \
	 .fallback = "null",                                                                       \
	 .example = "\"pool\"",                                                                    \
	 .text = "The volume group (lvm) that it is a part of."}

#define PART_OF_RAID                                                                               \
	{.name = "raid",                                                                           \
	 .type = NAME_OR_NULL,                                                                     \
	 .fallback = "null",                                                                       \
	 .example = "\"mirror\"",                                                                  \
	 .text = "The array (raid) that it is a part of."}

static const struct viv_option partition_fields[] = {
	{.name = "name",
	 .type = NAME_OR_NULL,
	 .fallback = "null",
	 .example = "\"home\"",
	 .text = "Its name in the table, gpt only: /dev/disk/by-partlabel/NAME."},
	{.name = "size",
	 .type = VIV_T_NULL_OR(VIV_T_SIZE(1, 1 << 26)),
	 .fallback = "null",
	 .fallback_text = "what the others leave; the last partition only",
	 .example = "\"512M\"",
	 .text = "Its size, in MiB or as \"8G\". The first one begins at 1 MiB, each follows the one before."},
	{.name = "type",
	 .type = VIV_T_NULL_OR(VIV_T_ENUM("linux", "swap", "esp", "bios", "raid", "lvm")),
	 .fallback = "null",
	 .fallback_text = "what its content says, else linux",
	 .example = "\"esp\"",
	 .text = "Its type in the table: esp is UEFI's system partition, bios the place of a boot loader."},
	CONTENT,
	PART_OF_RAID,
	PART_OF_GROUP,
};

static const struct viv_option disk_fields[] = {
	{.name = "size",
	 .type = VIV_T_NULL_OR(VIV_T_SIZE(1, 1 << 26)),
	 .fallback = "null",
	 .fallback_text = "that of the image, or of the disk that the machine has otherwise",
	 .example = "\"2G\"",
	 .text = "Gives the machine a disk of this size, in MiB or as \"8G\", with this name as its serial. Without "
		 "image it is blank at each start and thrown away afterwards."},
	{.name = "image",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .example = "\"./data.img\"",
	 .text = "The file (qcow2 by that ending, else raw), or disk of the host, that it is kept in; made with the "
		 "first start if it is not there."},
	{.name = "interface",
	 .type = VIV_T_NULL_OR(VIV_T_ENUM("virtio", "scsi", "ide", "nvme")),
	 .fallback = "null",
	 .fallback_text = "virtualisation.qemu.diskInterface",
	 .example = "\"nvme\"",
	 .text = "How it is attached."},
	{.name = "device",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_device)),
	 .fallback = "null",
	 .fallback_text = "the disk with this serial: /dev/disk/by-id/virtio-NAME",
	 .example = "\"/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_data\"",
	 .text = "Where it is found, for a disk that the machine has otherwise: without size and image."},
	{.name = "table",
	 .type = VIV_T_NULL_OR(VIV_T_ENUM("gpt", "mbr")),
	 .fallback = "null",
	 .fallback_text = "gpt with partitions, else none",
	 .example = "\"mbr\"",
	 .text = "The partition table. mbr has room for four partitions and 2 TiB."},
	{.name = "partitions",
	 .type = VIV_T_LIST(VIV_T_SUBMODULE(partition_fields)),
	 .fallback = "[]",
	 .example = "{ { size = \"64M\", fsType = \"vfat\" }, { fsType = \"ext4\", mountPoint = \"/srv\" } }",
	 .text = "Its partitions, in their order. Without any the disk itself is what has content."},
	CONTENT,
	PART_OF_RAID,
	PART_OF_GROUP,
};

static const struct viv_option volume_fields[] = {
	{.name = "size",
	 .type = VIV_T_NULL_OR(VIV_T_SIZE(1, 1 << 26)),
	 .fallback = "null",
	 .fallback_text = "what the others leave; one volume only",
	 .example = "\"512M\"",
	 .text = "Its size, in MiB or as \"8G\", rounded up to 4 MiB."},
	CONTENT,
};

static const struct viv_option group_fields[] = {
	{.name = "volumes",
	 .type = VIV_T_SET(&viv_rule_label, "<name>", VIV_T_SUBMODULE(volume_fields)),
	 .fallback = "{}",
	 .example = "{ home = { size = \"1G\", fsType = \"ext4\", mountPoint = \"/home\" } }",
	 .text = "Its volumes: /dev/GROUP/NAME."},
};

static const struct viv_option raid_fields[] = {
	{.name = "level",
	 .type = VIV_T_INT(0, 1),
	 .fallback = "1",
	 .example = "0",
	 .text = "1: each part holds everything, and one is enough to start. 0: striped, all are needed."},
	CONTENT,
	PART_OF_GROUP,
};

static const struct viv_option rows[] = {
	{.name = "disks",
	 .type = VIV_T_SET(&viv_rule_serial, "<name>", VIV_T_SUBMODULE(disk_fields)),
	 .fallback = "{}",
	 .example = "{ data = { size = \"2G\", image = \"./data.img\", fsType = \"ext4\", mountPoint = \"/srv\" } }",
	 .text = "Disks and what is on them, by name. What is empty is made by the machine itself at the first start; "
		 "what is there is compared, and a difference ends the start: nothing is ever made anew "
		 "(docs/disks.md)."},
	{.name = "lvm",
	 .type = VIV_T_SET(&viv_rule_label, "<group>", VIV_T_SUBMODULE(group_fields)),
	 .fallback = "{}",
	 .example = "{ pool = { volumes = { home = { size = \"1G\", fsType = \"ext4\" } } } }",
	 .text = "LVM's volume groups. Their parts are the disks, partitions and arrays that name one as their "
		 "volumeGroup."},
	{.name = "raid",
	 .type = VIV_T_SET(&viv_rule_label, "<name>", VIV_T_SUBMODULE(raid_fields)),
	 .fallback = "{}",
	 .example = "{ mirror = { level = 1, fsType = \"ext4\", mountPoint = \"/safe\" } }",
	 .text = "Arrays of disks and partitions, which name one as their raid: /dev/md/NAME."},
};

const struct viv_option_area viv_options_layout = VIV_OPTION_AREA(rows);
