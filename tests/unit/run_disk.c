/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "run/disk-image.h"
#include "run/disk.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char *dir;

static int set_up(void **state)
{
	dir = test_dir("disk");
	return 0;
}

static int tear_down(void **state)
{
	int r = viv_remove_tree(dir, NULL);

	free(dir);
	return r;
}

static void test_raw(void **state)
{
	VIV_FREE char *path = viv_path_join(dir, "vm.img");
	struct viv_drive d = {0};
	struct stat st;

	assert_int_equal(viv_disk_kept(path, 8, false, &d, NULL), 0);
	assert_string_equal(d.format, "raw");
	assert_string_equal(d.file, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8 << 20);
	viv_drive_free_contents(&d);
	/* The second time it is there. */
	assert_int_equal(viv_disk_kept(path, 99, false, &d, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8 << 20);
	viv_drive_free_contents(&d);
}

static size_t count_files(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* A disk that can't be made leaves nothing, under no name. */
/* No file may become that large: what cannot be made whole is not there at all. */
static void test_whole_or_not(void **state)
{
	static const char *const names[] = {"half.img", "half.qcow2"};
	struct rlimit limit, small;
	size_t before = count_files();

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++) {
		VIV_FREE char *path = viv_path_join(dir, names[i]);
		VIV_ERROR err = VIV_ERROR_INIT;
		struct viv_drive d = {0};

		assert_true(viv_disk_kept(path, 8, false, &d, &err) < 0);
		assert_non_null(err.msg);
		assert_null(d.file);
		assert_int_equal(count_files(), before);
	}
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_qcow2(void **state)
{
	VIV_FREE char *program = viv_find_program("qemu-img"), *path = NULL;
	size_t before = count_files();
	struct viv_drive d = {0};

	if (!program) {
		print_message("no qemu-img\n");
		skip();
	}
	path = viv_path_join(dir, "vm.qcow2");
	assert_int_equal(viv_disk_kept(path, 8, false, &d, NULL), 0);
	assert_string_equal(d.format, "qcow2");
	assert_int_equal(count_files(), before + 1);
	viv_drive_free_contents(&d);
}

/* A guest that writes a qcow2 header onto its raw disk must not be believed. */
static void test_disguised(void **state)
{
	VIV_FREE char *path = viv_path_join(dir, "bad.img");
	VIV_FREE char *named = viv_path_join(dir, "bad.qcow2");
	VIV_ERROR err = VIV_ERROR_INIT, second = VIV_ERROR_INIT;
	struct viv_drive d = {0};

	assert_int_equal(viv_write_file(path, "QFI\xfb\0\0\0\3", 8, 0600, NULL), 0);
	assert_int_equal(viv_disk_kept(path, 8, false, &d, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "begins like a qcow2 image"));
	assert_null(d.file);
	assert_int_equal(viv_write_file(named, "raw", 3, 0600, NULL), 0);
	assert_int_equal(viv_disk_kept(named, 8, false, &d, &second), -EINVAL);
	assert_non_null(strstr(second.msg, "is not a qcow2 image"));
}

static void write_image(const char *path, const void *head, size_t len)
{
	VIV_FREE char *image = viv_calloc(1, 65536);

	memcpy(image, head, len);
	assert_int_equal(viv_write_file(path, image, 65536, 0600, NULL), 0);
}

/* What an image begins with, what it is said to be, what comes of it. */
static void test_content(void **state)
{
	static const char qcow2[104] = "QFI\xfb\0\0\0\3";
	static const char backed[120] = {'Q', 'F', 'I', '\xfb', 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 2, 0,
					 [103] = 104};
	char told[120], endless[120];
	const struct {
		const char *head, *format, *error;
		size_t len;
	} rows[] = {
		{"plain", "raw", NULL, 5},
		{"plain", "qcow2", "is not a qcow2 image", 5},
		{qcow2, "qcow2", NULL, sizeof(qcow2)},
		{qcow2, "raw", "begins like a qcow2 image", sizeof(qcow2)},
		{"vhdxfile", "raw", "is a vhdx image", 8},
		{backed, "qcow2", "does not say which format", sizeof(backed)},
		{told, "qcow2", NULL, sizeof(told)},
		{endless, "qcow2", "does not say which format", sizeof(endless)},
	};
	VIV_FREE char *path = viv_path_join(dir, "content.img");

	memcpy(told, backed, sizeof(told));
	memcpy(told + 104, "\xe2\x79\x2a\xca\0\0\0\3raw", 11);
	memcpy(endless, backed, sizeof(endless));
	memcpy(endless + 104, "abcd\xff\xff\xff\xff", 8);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_ERROR err = VIV_ERROR_INIT;
		struct viv_drive d = {0};
		int r;

		write_image(path, rows[i].head, rows[i].len);
		r = viv_disk_image_open(path, rows[i].format, &d, &err);
		if (!rows[i].error)
			assert_int_equal(r, 0);
		else if (!err.msg || !strstr(err.msg, rows[i].error))
			fail_msg("row %zu: %s", i, err.msg ? err.msg : "no error");
		viv_drive_free_contents(&d);
	}
}

static void test_no_image(void **state)
{
	VIV_FREE char *empty = viv_path_join(dir, "empty"), *none = viv_path_join(dir, "none");
	const struct {
		const char *path, *error;
	} rows[] = {
		{dir, "neither a file nor a disk"},
		{"/dev/null", "neither a file nor a disk"},
		{empty, "is empty"},
		{none, "No such file"},
	};

	assert_int_equal(viv_write_file(empty, "", 0, 0600, NULL), 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_ERROR err = VIV_ERROR_INIT;
		struct viv_drive d = {0};

		assert_true(viv_disk_image_open(rows[i].path, "raw", &d, &err) < 0);
		assert_non_null(strstr(err.msg, rows[i].error));
		assert_null(d.file);
	}
}

/* One writer or many readers; what is in use is not thrown away. */
static void test_in_use(void **state)
{
	VIV_FREE char *path = viv_path_join(dir, "used.img");
	struct viv_drive writer = {0}, reader = {.read_only = true}, second = {.read_only = true};
	VIV_ERROR err = VIV_ERROR_INIT;

	write_image(path, "x", 1);
	assert_int_equal(viv_disk_image_open(path, "raw", &writer, NULL), 0);
	assert_int_equal(viv_disk_image_open(path, "raw", &reader, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "is in use"));
	assert_int_equal(viv_disk_kept(path, 8, true, &second, NULL), -EBUSY);
	viv_drive_free_contents(&writer);
	reader.read_only = second.read_only = true;
	assert_int_equal(viv_disk_image_open(path, "raw", &reader, NULL), 0);
	assert_int_equal(viv_disk_image_open(path, "raw", &second, NULL), 0);
	assert_int_equal(viv_disk_image_open(path, "raw", &writer, NULL), -EBUSY);
	viv_drive_free_contents(&reader);
	viv_drive_free_contents(&second);
	assert_int_equal(viv_disk_kept(path, 8, true, &writer, NULL), 0);
	viv_drive_free_contents(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_disguised),
		cmocka_unit_test(test_whole_or_not),
		cmocka_unit_test(test_qcow2),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_no_image),
		cmocka_unit_test(test_in_use),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
