/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/fd.h"
#include "base/process.h"
#include "plan/areas/areas.h"

#include <unistd.h>

/* The script that makes what disks declare: what it is told, and what others say of it. */

static void script_of(const char *disks, const char *raid, const char *lvm, struct viv_str *ret)
{
	VIV_CLEANUP(viv_layout_free) struct viv_layout l = {0};
	const char *const texts[] = {disks, raid, lvm};
	VIV_JSON *all = json_array();

	for (size_t i = 0; i < VIV_ARRAY_SIZE(texts); i++) {
		json_t *j = NULL;

		assert_int_equal(viv_json_parse(texts[i], strlen(texts[i]), "test", &j, NULL), 0);
		json_array_append_new(all, j);
	}
	viv_layout_collect(&(struct viv_disk_values){.disks = json_array_get(all, 0),
						     .raid = json_array_get(all, 1),
						     .lvm = json_array_get(all, 2),
						     .interface = "virtio"},
			   &l);
	viv_layout_script_add(&l, ret);
}

static const struct {
	const char *disks, *raid, *lvm, *want;
} cases[] = {
	/* A disk without a table; vfat's first sectors are there before the rest, so it is marked. */
	{"{\"a\": {\"size\": 8, \"fsType\": \"ext4\", \"label\": \"x\"}, \"b\": {\"fsType\": \"vfat\", \"interface\": \"scsi\"}}",
	 "{}", "{}",
	 "look_for_marks /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_b:end\n"
	 "content ext4 x /dev/disk/by-id/virtio-a\n"
	 "content vfat - /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_b\n"
	 "made /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_b\n"},
	/* Where partitions are, what types they have, and how the kernel names them. */
	{"{\"a\": {\"device\": \"/dev/nvme0n1\", \"partitions\": [{\"size\": 1, \"type\": \"bios\"}, {\"size\": 2, "
	 "\"type\": \"esp\", \"name\": \"boot\", \"fsType\": \"vfat\"}, {\"size\": 3, \"fsType\": \"swap\"}, {}]},"
	 "\"b\": {\"device\": \"/dev/vdb\", \"table\": \"mbr\", \"partitions\": [{\"fsType\": \"xfs\"}]}}",
	 "{}", "{}",
	 "look_for_marks /dev/nvme0n1:table /dev/vdb:table\n"
	 "table gpt /dev/nvme0n1 <<.\n"
	 "2048 2048 21686148-6449-6E6F-744E-656564454649 -\n"
	 "4096 4096 uefi boot\n"
	 "8192 6144 swap -\n"
	 "14336 - linux -\n"
	 ".\n"
	 "content vfat - /dev/nvme0n1p2\n"
	 "content swap - /dev/nvme0n1p3\n"
	 "made /dev/nvme0n1\n"
	 "table dos /dev/vdb <<.\n"
	 "2048 - linux -\n"
	 ".\n"
	 "content xfs - /dev/vdb1\n"
	 "made /dev/vdb\n"},
	/* Volumes on an array; the one that takes the rest comes last. */
	{"{\"a\": {\"size\": 8, \"raid\": \"r\"}, \"b\": {\"size\": 8, \"partitions\": [{\"raid\": \"r\"}]}, "
	 "\"c\": {\"size\": 8, \"volumeGroup\": \"g\"}}",
	 "{\"r\": {\"level\": 1, \"volumeGroup\": \"g\"}}",
	 "{\"g\": {\"volumes\": {\"a\": {\"fsType\": \"ext4\"}, \"b\": {\"size\": 5}}}}",
	 "look_for_marks /dev/disk/by-id/virtio-a:part /dev/disk/by-id/virtio-b:table "
	 "/dev/disk/by-id/virtio-c:part\n"
	 "table gpt /dev/disk/by-id/virtio-b <<.\n"
	 "2048 - raid -\n"
	 ".\n"
	 "raid r 1 /dev/disk/by-id/virtio-a /dev/disk/by-id/virtio-b-part1\n"
	 "group g /dev/disk/by-id/virtio-c /dev/md/r\n"
	 "volume g b 8\n"
	 "volume g a -\n"
	 "content ext4 - /dev/g/a\n"
	 "made /dev/disk/by-id/virtio-a /dev/disk/by-id/virtio-b /dev/disk/by-id/virtio-c\n"},
	/* What is whole by itself waits for nobody; disks that have something in common wait for the last of it. */
	{"{\"a\": {\"raid\": \"r\"}, \"b\": {\"partitions\": [{\"size\": 8, \"raid\": \"r\"}, {\"size\": 8, "
	 "\"raid\": \"s\"}]}, \"c\": {\"raid\": \"s\"}, \"d\": {\"volumeGroup\": \"g\"}}",
	 "{\"r\": {\"level\": 1, \"fsType\": \"ext4\"}, \"s\": {\"level\": 0}}", "{\"g\": {\"volumes\": {}}}",
	 "look_for_marks /dev/disk/by-id/virtio-a:part /dev/disk/by-id/virtio-b:table "
	 "/dev/disk/by-id/virtio-c:part /dev/disk/by-id/virtio-d:part\n"
	 "table gpt /dev/disk/by-id/virtio-b <<.\n"
	 "2048 16384 raid -\n"
	 "18432 16384 raid -\n"
	 ".\n"
	 "raid r 1 /dev/disk/by-id/virtio-a /dev/disk/by-id/virtio-b-part1\n"
	 "content ext4 - /dev/md/r\n"
	 "raid s 0 /dev/disk/by-id/virtio-b-part2 /dev/disk/by-id/virtio-c\n"
	 "made /dev/disk/by-id/virtio-a /dev/disk/by-id/virtio-b /dev/disk/by-id/virtio-c\n"
	 "group g /dev/disk/by-id/virtio-d\n"
	 "made /dev/disk/by-id/virtio-d\n"},
};

static void calls(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_STR s = VIV_STR_INIT;
		const char *at;

		script_of(cases[i].disks, cases[i].raid, cases[i].lvm, &s);
		at = strstr(s.data, "\nlook_for_marks ");
		assert_non_null(at);
		assert_string_equal(at + 1, cases[i].want);
	}
}

static void check_by(const char *const *argv)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int r = viv_process_check(argv, NULL, 65536, 60000, &err);

	if (r == -ENOENT) {
		viv_error_clear(&err); /* skip() runs no clean-ups */
		print_message("there is no %s\n", argv[0]);
		skip();
	}
	if (r < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(r, 0);
}

static void write_script(size_t i, const char *path)
{
	VIV_STR s = VIV_STR_INIT;
	VIV_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	script_of(cases[i].disks, cases[i].raid, cases[i].lvm, &s);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.data, s.len), s.len);
}

static void is_good_shell(void **state)
{
	const char *const argv[] = {"shellcheck", "-s", "dash", "layout.sh", NULL};

	write_script(2, "layout.sh");
	check_by(argv);
}

/* Its table() on a file instead of a disk: sfdisk writes it, and finds it right. */
static void is_a_table(void **state)
{
	static const char how[] =
		"set -e; truncate -s 16M disk.img; "
		"{ sed '/^look_for_marks .dev/,$d' layout.sh; "
		"echo 'is_there() { :; }; is_empty() { :; }; begin() { :; }; link_partitions() { :; }'; "
		"sed -n '/^table gpt/,/^\\.$/p' layout.sh | sed 's,/dev/nvme0n1,disk.img,'; } >table.sh; "
		"sh table.sh; sfdisk -q --verify disk.img; sfdisk -d disk.img >dump; "
		"[ $(grep -c start= dump) = 4 ]; "
		"grep -qE 'start= +4096, size= +4096, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B,.*name=\"boot\"' dump";
	const char *const argv[] = {"sh", "-c", how, NULL};
	const char *const have[] = {"sfdisk", "--version", NULL};

	check_by(have);
	write_script(1, "layout.sh");
	check_by(argv);
}

/* What the script does with disks, on files instead: tests/data/layout-on-files.sh. */
static void on_files(void **state)
{
	static const char *const tools[][3] = {
		{"mke2fs", "-V"}, {"mkfs.vfat", "--help"}, {"blkid", "-V"}, {"wipefs", "-V"}, {"cmp", "-v"}};
	const char *const argv[] = {"sh", TEST_DATA "/layout-on-files.sh", NULL};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(tools); i++)
		check_by(tools[i]);
	write_script(2, "layout.sh");
	check_by(argv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(calls), cmocka_unit_test(is_good_shell),
					   cmocka_unit_test(is_a_table), cmocka_unit_test(on_files)};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
