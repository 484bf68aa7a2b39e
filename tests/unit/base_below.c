/* SPDX-License-Identifier: MIT */

/* Files of trees whose links, pipes and devices want us elsewhere. */

#include "base/fd.h"
#include "base/path.h"
#include "unit.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int set_up(void **state)
{
	char *dir = test_dir("below"), *root = viv_path_join(dir, "root");
	VIV_FREE char *outside = viv_path_join(dir, "outside"), *etc = viv_path_join(root, "etc");
	VIV_FREE char *inside = viv_path_join(etc, "inside");

	viv_mkdir_p(etc, 0755, NULL);
	assert_int_equal(viv_write_file(outside, "secret", 6, 0644, NULL), 0);
	assert_int_equal(viv_write_file(inside, "mine", 4, 0644, NULL), 0);
	free(root);
	*state = dir;
	return 0;
}

static int tear_down(void **state)
{
	viv_remove_tree(*state, NULL);
	free(*state);
	return 0;
}

/* A link etc/link of the tree. */
static char *with_link(const char *dir, const char *to)
{
	char *root = viv_path_join(dir, "root");
	VIV_FREE char *link = viv_path_join(root, "etc/link");

	unlink(link);
	if (to)
		assert_int_equal(symlink(to, link), 0);
	return root;
}

static void links(void **state)
{
	VIV_FREE char *absolute = viv_path_join(*state, "outside");
	VIV_FREE char *magic = viv_strdup("/proc/self/exe");
	const struct {
		const char *to;
		int result;
	} rows[] = {
		{"inside", 0},
		{"/etc/inside", 0},
		{"../../../../etc/inside", 0},
		{absolute, -ENOENT},
		{"../../outside", -ENOENT},
		{"../../../../../../../../etc/passwd", -ENOENT},
		{magic, -ENOENT},
		{"link", -ELOOP},
		{".", -EINVAL},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *root = with_link(*state, rows[i].to);
		VIV_STR text = VIV_STR_INIT;
		VIV_ERROR err = VIV_ERROR_INIT;
		int r = viv_read_below(root, "etc/link", 100, &text, &err);

		if (r != rows[i].result)
			fail_msg("%s: %d %s", rows[i].to, r, err.msg ? err.msg : "");
		if (r == 0)
			assert_string_equal(text.data, "mine");
		assert_int_equal(viv_open_below(root, "etc/link", O_RDONLY | O_NOFOLLOW, 0, NULL) < 0,
				 true);
	}
}

static void not_files(void **state)
{
	VIV_FREE char *root = with_link(*state, NULL), *path = viv_path_join(root, "etc/link");
	VIV_STR text = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(mkfifo(path, 0666), 0);
	assert_int_equal(viv_read_below(root, "etc/link", 100, &text, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "etc/link: not a regular file"));
	assert_int_equal(viv_open_below(root, "etc/link", O_WRONLY | O_APPEND, 0, NULL), -EINVAL);
	unlink(path);
	if (mknod(path, S_IFCHR | 0666, makedev(1, 3)) == 0)
		assert_int_equal(viv_read_below(root, "etc/link", 100, &text, NULL), -EINVAL);
	unlink(path);
	assert_int_equal(viv_read_below(root, "etc", 100, &text, NULL), -EINVAL);
}

static void large(void **state)
{
	VIV_FREE char *root = with_link(*state, NULL), *path = viv_path_join(root, "etc/link");
	VIV_STR text = VIV_STR_INIT;

	assert_int_equal(viv_write_file(path, "", 0, 0644, NULL), 0);
	assert_int_equal(truncate(path, (off_t)1 << 40), 0);
	assert_int_equal(viv_read_below(root, "etc/link", 1000, &text, NULL), -EFBIG);
	unlink(path);
}

static void making(void **state)
{
	VIV_FREE char *root = with_link(*state, "../../new"), *out = viv_path_join(*state, "new");
	VIV_FREE char *in = viv_path_join(root, "new"), *deep = viv_path_join(root, "a/b/c");
	VIV_FD fd = viv_open_below(root, "etc/link", O_WRONLY | O_CREAT, 0600, NULL);

	assert_true(fd >= 0 && viv_exists(in) && !viv_exists(out));
	assert_int_equal(viv_mkdir_below(root, "/a/b/c", 0755, NULL), 0);
	assert_int_equal(viv_mkdir_below(root, "a/b", 0755, NULL), 0);
	assert_true(viv_exists(deep));
	unlink(in);
	assert_int_equal(viv_mkdir_below(root, "etc/link/x", 0755, NULL), -ENOENT);
	assert_false(viv_exists(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links),
		cmocka_unit_test(not_files),
		cmocka_unit_test(large),
		cmocka_unit_test(making),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
