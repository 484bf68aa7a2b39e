/* SPDX-License-Identifier: MIT */

/* Own trees: what is taken of them, and that a copy keeps what did not change. */

#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/source.h"
#include "source/tree.h"

#include <sys/stat.h>
#include <unistd.h>

static int unit_folder(void **state)
{
	*state = test_dir("source");
	return chdir(*state);
}

static int unit_folder_remove(void **state)
{
	int r = chdir("/");

	viv_remove_tree(*state, NULL);
	free(*state);
	return r;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
}

static void make_tree(void)
{
	assert_int_equal(viv_mkdir_p("tree/sub", 0755, NULL), 0);
	assert_int_equal(viv_mkdir_p("tree/.git", 0755, NULL), 0);
	put("tree/.git/config", "x");
	put("tree/a", "one");
	put("tree/sub/b", "two");
	put("tree/sub/configure", "three");
	assert_int_equal(symlink("sub/b", "tree/link"), 0);
	assert_int_equal(link("tree/a", "tree/same"), 0);
}

static void sync_tree(struct viv_own_tree *t, bool want_configure)
{
	bool configure;

	viv_own_tree_free(t);
	assert_int_equal(viv_own_tree_read("tree", false, NULL, t, NULL), 0);
	assert_int_equal(viv_own_tree_sync(t, "copy", "record", &configure, NULL), 0);
	assert_int_equal(configure, want_configure);
}

static uint64_t inode(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_ino;
}

static void a_copy_keeps_what_did_not_change(void **state)
{
	struct viv_own_tree t = {0};
	char hash[VIV_SHA256_HEX], target[16] = {0};
	uint64_t a, b;

	make_tree();
	sync_tree(&t, true);
	memcpy(hash, t.hash, sizeof(hash));
	assert_false(viv_exists("copy/.git"));
	assert_int_equal(readlink("copy/link", target, sizeof(target) - 1), 5);
	assert_string_equal(target, "sub/b");
	a = inode("copy/a");
	b = inode("copy/sub/b");
	put("copy/a.o", "a build's");
	put("tree/sub/b", "other");
	sync_tree(&t, false);
	assert_string_not_equal(hash, t.hash);
	assert_int_equal(inode("copy/a"), a);
	assert_int_not_equal(inode("copy/sub/b"), b);
	assert_true(viv_exists("copy/a.o"));
	unlink("tree/a");
	put("tree/sub/b", "two");
	put("tree/sub/configure", "changed");
	sync_tree(&t, true);
	assert_false(viv_exists("copy/a"));
	assert_true(viv_exists("copy/same"));
	viv_own_tree_free(&t);
}

/* What a build makes of its folder leads nowhere else. */
static void a_copy_is_not_left_through_links(void **state)
{
	struct viv_own_tree t = {0};
	bool configure;

	make_tree();
	sync_tree(&t, true);
	assert_int_equal(viv_mkdir_p("outside", 0755, NULL), 0);
	assert_int_equal(viv_remove_tree("copy/sub", NULL), 0);
	assert_int_equal(symlink("../outside", "copy/sub"), 0);
	put("tree/sub/b", "other");
	viv_own_tree_free(&t);
	assert_int_equal(viv_own_tree_read("tree", false, NULL, &t, NULL), 0);
	assert_true(viv_own_tree_sync(&t, "copy", "record", &configure, NULL) < 0);
	assert_false(viv_exists("outside/b"));
	viv_own_tree_free(&t);
}

static void names_of_dependencies(void **state)
{
	static const struct {
		const char *field, *names;
	} table[] = {
		{"a", "a"},
		{" a (>= 1) | b, c:any ,d", "a c d"},
		{"a [amd64], b [!amd64], c [linux-any], d [arm64 i386], e [!hurd-any !arm64]", "a c e"},
		{"a <!nocheck>, b <nocheck>, c <!stage1>, d <stage1>, e <!nocheck !x>, f <cross> <!x>", "b c f"},
		{"a,\n b (= 2~),\n\tc,", "a b c"},
		{"", ""},
		{"a, a", "a"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(table); i++) {
		VIV_STRV names = VIV_STRV_INIT;
		VIV_FREE char *text = NULL;

		viv_deb_depends_names(viv_slice(table[i].field), "amd64", &names);
		text = viv_strv_join(&names, " ");
		assert_string_equal(text, table[i].names);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_copy_keeps_what_did_not_change, unit_folder, unit_folder_remove),
		cmocka_unit_test_setup_teardown(a_copy_is_not_left_through_links, unit_folder, unit_folder_remove),
		cmocka_unit_test(names_of_dependencies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
