/* SPDX-License-Identifier: MIT */

/* squashfs images: what is in them, owners that need no root, the same bytes each time. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "image/squashfs.h"

#include <unistd.h>

static char folder[] = "/tmp/viv-squashfs-XXXXXX";

static int setup(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	return viv_remove_tree(folder, NULL);
}

static void fill(struct viv_pack *p)
{
	VIV_FREE char *file = viv_path_join(folder, "a file");

	assert_int_equal(viv_write_file(file, "text\n", 5, 0600, NULL), 0);
	viv_pack_add(p, 'f', "usr/bin/x y\"\\", 04755, file, "package x");
	viv_pack_add(p, 'l', "bin", 0777, "usr/bin", "the root");
	viv_pack_add(p, 'd', "tmp", 01777, NULL, "the root")->gid = 12;
	viv_pack_add(p, 'f', "etc/shadow", 0640, file, "users.users")->gid = 42;
	viv_pack_add(p, 'd', "tmp", 0700, NULL, "package x"); /* the first counts */
}

static void write_one(const char *name, struct viv_str *bytes)
{
	VIV_CLEANUP(viv_pack_free) struct viv_pack p = {0};
	VIV_FREE char *image = viv_path_join(folder, name);
	VIV_ERROR err = VIV_ERROR_INIT;

	fill(&p);
	if (viv_squashfs_write(&p, image, 1000000000, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(viv_read_file(image, 1 << 20, bytes, &err), 0);
}

static bool lacks(const char *program)
{
	VIV_FREE char *path = viv_find_program(program);

	return !path;
}

static void same_bytes(void **state)
{
	VIV_STR a = VIV_STR_INIT, b = VIV_STR_INIT;

	if (lacks("gensquashfs")) {
		print_message("gensquashfs is missing\n");
		skip();
	}
	write_one("a.squashfs", &a);
	write_one("b.squashfs", &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void assert_line(const struct viv_str *text, const char *start, const char *end)
{
	struct viv_slice rest = {text->data, text->len}, line;

	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *one = viv_slice_dup(line);

		if (viv_starts_with(one, start) && viv_ends_with(one, end))
			return;
	}
	fail_msg("no line %s… %s in:\n%s", start, end, text->data);
}

/* unsquashfs is another project's. */
static void what_is_in_it(void **state)
{
	VIV_FREE char *image = viv_path_join(folder, "c.squashfs");
	const char *argv[] = {"unsquashfs", "-lln", image, NULL};
	VIV_STR bytes = VIV_STR_INIT, out = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (lacks("gensquashfs") || lacks("unsquashfs")) {
		print_message("gensquashfs or unsquashfs is missing\n");
		skip();
	}
	write_one("c.squashfs", &bytes);
	if (viv_process_check(argv, &out, 65536, 60000, &err) < 0)
		fail_msg("%s", err.msg);
	assert_line(&out, "lrwxrwxrwx 0/0 ", "squashfs-root/bin -> usr/bin");
	assert_line(&out, "-rw-r----- 0/42 ", "squashfs-root/etc/shadow");
	assert_line(&out, "drwxrwxrwt 0/12 ", "squashfs-root/tmp");
	assert_line(&out, "-rwsr-xr-x 0/0 ", "squashfs-root/usr/bin/x y\"\\");
}

static void refused(void **state)
{
	static const struct {
		const char *path;
		int code;
	} cases[] = {{"etc/shadow", EEXIST}, {"../x", EINVAL}, {"/x", EINVAL}, {"a\nb", EINVAL}, {"", EINVAL}};
	VIV_FREE char *image = viv_path_join(folder, "d.squashfs");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_CLEANUP(viv_pack_free) struct viv_pack p = {0};
		VIV_ERROR err = VIV_ERROR_INIT;

		fill(&p);
		viv_pack_add(&p, 'l', cases[i].path, 0777, "x", "system.minimal.links");
		assert_int_equal(viv_squashfs_write(&p, image, 0, &err), -cases[i].code);
		assert_false(viv_exists(image));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(same_bytes), cmocka_unit_test(what_is_in_it),
					   cmocka_unit_test(refused)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
