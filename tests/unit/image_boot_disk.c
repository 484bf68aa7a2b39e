/* SPDX-License-Identifier: MIT */
/* Disks to start from: the same bytes each time, and what sfdisk and fsck.fat say of them. */
#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "image/boot_disk.h"

struct fixture {
	char *dir, *mbr, *core, *kernel;
};

static void write_bytes(const char *path, int byte, size_t n)
{
	VIV_FREE char *bytes = malloc(n);

	memset(bytes, byte, n);
	assert_int_equal(viv_write_file(path, bytes, n, 0644, NULL), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->dir = test_dir("boot");
	f->mbr = viv_path_join(f->dir, "mbr");
	f->core = viv_path_join(f->dir, "core");
	f->kernel = viv_path_join(f->dir, "kernel");
	write_bytes(f->mbr, 0xeb, 512);
	write_bytes(f->core, 0xc0, 100000);
	write_bytes(f->kernel, 'k', 3000000);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	viv_remove_tree(f->dir, NULL);
	free(f->dir);
	free(f->mbr);
	free(f->core);
	free(f->kernel);
	free(f);
	return 0;
}

static bool tools_are_there(void)
{
	static const char *const tools[] = {"sfdisk", "mkfs.fat", "mmd", "mcopy"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(tools); i++) {
		VIV_FREE char *path = viv_find_program(tools[i]);

		if (!path) {
			print_message("%s is missing\n", tools[i]);
			return false;
		}
	}
	return true;
}

static int make(const struct fixture *f, bool bios, const char *dest, struct viv_error *err)
{
	const struct viv_boot_file files[] = {
		{.path = "boot/grub/grub.cfg", .text = "set timeout=0\n"},
		{.path = "boot/kernel", .source = f->kernel},
	};
	const struct viv_boot_disk d = {
		.mbr = bios ? f->mbr : NULL,
		.core = bios ? f->core : NULL,
		.label = "TEST",
		.seed = "seed",
		.files = files,
		.n_files = VIV_ARRAY_SIZE(files),
	};

	return viv_boot_disk_write(&d, dest, err);
}

static void check_tools(const char *disk)
{
	VIV_FREE char *part = viv_asprintf("%s.part", disk);
	VIV_FREE char *of = viv_asprintf("of=%s", part), *from = viv_asprintf("if=%s", disk);
	const char *verify[] = {"sfdisk", "--quiet", "--verify", disk, NULL};
	const char *cut[] = {"dd", from, of, "bs=1M", "skip=1", NULL};
	const char *fsck[] = {"fsck.fat", "-n", part, NULL};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_process_check(verify, NULL, 65536, 60000, &err) < 0)
		fail_msg("%s", err.msg);
	if (viv_process_check(cut, NULL, 65536, 60000, &err) < 0)
		fail_msg("%s", err.msg);
	if (viv_process_check(fsck, NULL, 65536, 60000, &err) < 0)
		fail_msg("%s", err.msg);
}

static void check_disk(struct fixture *f, bool bios)
{
	VIV_FREE char *a = viv_path_join(f->dir, "a"), *b = viv_path_join(f->dir, "b");
	VIV_STR x = VIV_STR_INIT, y = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (!tools_are_there())
		skip();
	if (make(f, bios, a, &err) < 0 || make(f, bios, b, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(viv_read_file(a, 64 << 20, &x, NULL), 0);
	assert_int_equal(viv_read_file(b, 64 << 20, &y, NULL), 0);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	assert_int_equal((unsigned char)x.data[510], 0x55);
	assert_int_equal((unsigned char)x.data[511], 0xaa);
	/* The table is after the code, and the code did not go over it. */
	assert_int_equal((unsigned char)x.data[439], bios ? 0xeb : 0);
	assert_int_equal((unsigned char)x.data[450], bios ? 0x0c : 0xee);
	assert_int_equal((unsigned char)x.data[512], bios ? 0xc0 : 'E');
	check_tools(a);
}

static void test_bios(void **state)
{
	check_disk(*state, true);
}

static void test_uefi(void **state)
{
	check_disk(*state, false);
}

static void test_core_too_large(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *disk = viv_path_join(f->dir, "a");
	VIV_ERROR err = VIV_ERROR_INIT;

	if (!tools_are_there())
		skip();
	write_bytes(f->core, 0xc0, 1 << 20);
	assert_int_equal(make(f, true, disk, &err), -EFBIG);
	assert_non_null(strstr(err.msg, "the boot loader's core has 1048576 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bios, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uefi, setup, teardown),
		cmocka_unit_test_setup_teardown(test_core_too_large, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
