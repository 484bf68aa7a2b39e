/* SPDX-License-Identifier: MIT */

/* From a machine's dump disk to a file. What is on the disk is the guest's. */

#include "base/fd.h"
#include "base/path.h"
#include "run/crash.h"
#include "run/disk.h"
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#define MIB (1 << 20)

static char *dir;

static int set_up(void **state)
{
	dir = test_dir("crash");
	return chdir(dir);
}

static int tear_down(void **state)
{
	int r = viv_remove_tree(dir, NULL);

	free(dir);
	return r;
}

/* A disk of 4 MiB with "dump" at its start and `end` at its end. */
static int disk_with(const char *end)
{
	int fd = -1;

	assert_int_equal(viv_disk_blank(4, "raw", &fd, NULL), 0);
	assert_int_equal(pwrite(fd, "dump", 4, 0), 4);
	assert_int_equal(pwrite(fd, end, strlen(end), 4 * MIB - 4096), (ssize_t)strlen(end));
	return fd;
}

static void whole(void **state)
{
	const char *const names[] = {"vm.vmcore", "vm-2.vmcore", "vm-3.vmcore"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++) {
		VIV_FD fd = disk_with("viv crash dump, bytes: 2097152\n");
		VIV_FREE char *path = NULL;
		VIV_STR got = VIV_STR_INIT;
		struct stat st;

		assert_int_equal(viv_crash_fetch(fd, NULL, "vm", &path, NULL), 0);
		assert_string_equal(viv_path_base(path), names[i]);
		assert_int_equal(path[0], '/');
		assert_int_equal(viv_read_file(path, 4 * MIB, &got, NULL), 0);
		assert_int_equal(got.len, 2 * MIB);
		assert_memory_equal(got.data, "dump\0\0", 6);
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_blocks * 512 < MIB); /* holes stay */
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

/* A file that was named is replaced; one that can't be written is an error. */
static void named(void **state)
{
	VIV_FD fd = disk_with("viv crash dump, bytes: 8\n"), other = disk_with("viv crash dump, bytes: 8\n");
	VIV_FREE char *path = NULL, *none = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR got = VIV_STR_INIT;

	assert_int_equal(viv_write_file("here", "old", 3, 0644, NULL), 0);
	assert_int_equal(viv_crash_fetch(fd, "here", "vm", &path, NULL), 0);
	assert_int_equal(viv_read_file("here", 64, &got, NULL), 0);
	assert_int_equal(got.len, 8);
	assert_true(viv_crash_fetch(other, "nowhere/file", "vm", &none, &err) < 0);
	assert_non_null(strstr(err.msg, "nowhere/file"));
	assert_null(none);
}

/* Somebody else takes its name while it is on its way: it has the next. */
static void name_taken(void **state)
{
	VIV_FD fd = disk_with("viv crash dump, bytes: 8\n"), other = disk_with("viv crash dump, bytes: 8\n");
	VIV_FREE char *path = NULL;
	struct viv_crash_dump *d;

	assert_int_equal(viv_crash_begin(fd, NULL, "a", &d, NULL), 0);
	assert_int_equal(viv_write_file("a-2.vmcore", "", 0, 0644, NULL), 0);
	assert_int_equal(viv_crash_fetch(other, NULL, "a", &path, NULL), 0);
	assert_string_equal(viv_path_base(path), "a.vmcore");
	while (viv_crash_go_on(d, NULL) > 0)
		;
	assert_string_equal(viv_path_base(viv_crash_path(d)), "a-3.vmcore");
	assert_true(viv_exists(viv_crash_path(d)));
	viv_crash_dump_free(d);
	assert_true(viv_exists("a-3.vmcore"));
}

static void none(void **state)
{
	static const char *const ends[] = {
		"", "viv crash dump", "viv crash dump, bytes: ", "viv crash dump, bytes: 0\n",
		"viv crash dump, bytes: -1\n", "viv crash dump, bytes: 4194304\n",
		"viv crash dump, bytes: 99999999999999999999\n",
	};
	char *no = NULL;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(ends); i++) {
		VIV_FD fd = disk_with(ends[i]);
		char *path = NULL;

		assert_int_equal(viv_crash_fetch(fd, "none", "vm", &path, NULL), 0);
		assert_null(path);
	}
	assert_int_equal(viv_crash_fetch(-1, NULL, "vm", &no, NULL), 0);
	assert_null(no);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(name_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(none, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
