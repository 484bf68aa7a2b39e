/* SPDX-License-Identifier: MIT */

/* Own trees: what is taken of them, and that a copy keeps what did not change. */

#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "deb/source.h"
#include "source/private.h"

#include <sys/stat.h>
#include <unistd.h>

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

/* Into folder/src; whether it is to be configured again. */
static int try_sync(struct viv_own_tree *t)
{
	viv_own_tree_free(t);
	assert_int_equal(viv_own_tree_read("tree", false, NULL, t, NULL), 0);
	return viv_own_tree_sync(t, "folder", "record", NULL);
}

static void sync_tree(struct viv_own_tree *t, bool want_configure)
{
	assert_int_equal(viv_mkdir_p("folder", 0755, NULL), 0);
	put("folder/configured", "");
	assert_int_equal(try_sync(t), 0);
	assert_int_equal(!viv_exists("folder/configured"), want_configure);
}

static void assert_content(const char *path, const char *want)
{
	VIV_STR text = VIV_STR_INIT;

	assert_int_equal(viv_read_file(path, 1000, &text, NULL), 0);
	assert_string_equal(text.data ? text.data : "", want);
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
	assert_false(viv_exists("folder/src/.git"));
	assert_int_equal(readlink("folder/src/link", target, sizeof(target) - 1), 5);
	assert_string_equal(target, "sub/b");
	a = inode("folder/src/a");
	b = inode("folder/src/sub/b");
	put("folder/src/a.o", "a build's");
	put("tree/sub/b", "other");
	sync_tree(&t, false);
	assert_string_not_equal(hash, t.hash);
	assert_int_equal(inode("folder/src/a"), a);
	assert_int_not_equal(inode("folder/src/sub/b"), b);
	assert_true(viv_exists("folder/src/a.o"));
	unlink("tree/a");
	put("tree/sub/b", "two");
	put("tree/sub/configure", "changed");
	sync_tree(&t, true);
	assert_false(viv_exists("folder/src/a"));
	assert_true(viv_exists("folder/src/same"));
	viv_own_tree_free(&t);
}

/* What a build makes of its folder leads nowhere else. */
static void a_copy_is_not_left_through_links(void **state)
{
	struct viv_own_tree t = {0};

	make_tree();
	sync_tree(&t, true);
	assert_int_equal(viv_mkdir_p("outside", 0755, NULL), 0);
	put("outside/b", "precious");
	assert_int_equal(viv_remove_tree("folder/src/sub", NULL), 0);
	assert_int_equal(symlink("../../outside", "folder/src/sub"), 0);
	put("tree/sub/b", "other");
	sync_tree(&t, true); /* a folder again, with all that is in it */
	assert_content("outside/b", "precious");
	assert_content("folder/src/sub/b", "other");
	viv_own_tree_free(&t);
}

/* Nor does the copy itself. */
static void a_copy_that_is_a_link_is_refused(void **state)
{
	struct viv_own_tree t = {0};

	make_tree();
	sync_tree(&t, true);
	assert_int_equal(rename("folder/src", "folder/old"), 0);
	assert_int_equal(viv_mkdir_p("home/sub", 0755, NULL), 0);
	put("home/a", "precious");
	put("home/gone", "precious");
	assert_int_equal(symlink("../home", "folder/src"), 0);
	put("tree/a", "other");
	put("tree/sub/b", "other");
	assert_true(try_sync(&t) < 0);
	assert_content("home/a", "precious");
	assert_false(viv_exists("home/sub/b"));
	assert_int_equal(unlink("tree/a"), 0);
	assert_true(try_sync(&t) < 0);
	assert_content("home/a", "precious");
	viv_own_tree_free(&t);
}

static void what_changes_its_type_is_replaced(void **state)
{
	struct viv_own_tree t = {0};
	char target[16] = {0};

	make_tree();
	sync_tree(&t, true);
	put("folder/src/sub/b.o", "a build's");
	assert_int_equal(viv_remove_tree("tree/sub", NULL), 0);
	put("tree/sub", "a file now");
	unlink("tree/a");
	assert_int_equal(viv_mkdir_p("tree/a", 0755, NULL), 0);
	put("tree/a/x", "in a folder now");
	unlink("tree/same");
	assert_int_equal(symlink("a/x", "tree/same"), 0);
	sync_tree(&t, false);
	assert_content("folder/src/sub", "a file now");
	assert_content("folder/src/a/x", "in a folder now");
	assert_int_equal(readlink("folder/src/same", target, sizeof(target) - 1), 3);
	unlink("tree/same");
	assert_int_equal(viv_mkdir_p("tree/same", 0755, NULL), 0);
	sync_tree(&t, false);
	assert_true(viv_exists("folder/src/same/."));
	viv_own_tree_free(&t);
}

/* A failure in the middle loses nothing of what the next time has to know. */
static void a_copy_goes_on_after_a_failure(void **state)
{
	struct viv_own_tree t = {0};

	make_tree();
	put("tree/gone", "x");
	sync_tree(&t, true);
	unlink("tree/gone");
	put("tree/sub/configure", "changed");
	put("tree/z", "new");
	viv_own_tree_free(&t);
	assert_int_equal(viv_own_tree_read("tree", false, NULL, &t, NULL), 0);
	put("tree/z", "changed meanwhile");
	put("folder/src/gone", "as if it had failed before it was removed");
	assert_int_equal(viv_own_tree_sync(&t, "folder", "record", NULL), -EAGAIN);
	put("folder/src/gone", "as if it had failed before it was removed");
	sync_tree(&t, true);
	assert_content("folder/src/z", "changed meanwhile");
	assert_content("folder/src/sub/configure", "changed");
	sync_tree(&t, false);
	viv_own_tree_free(&t);
}

static void hash_of(const char *path, char ret[VIV_SHA256_HEX])
{
	struct viv_own_tree t = {0};

	assert_int_equal(viv_own_tree_read(path, false, NULL, &t, NULL), 0);
	memcpy(ret, t.hash, VIV_SHA256_HEX);
	viv_own_tree_free(&t);
}

static void hashes_of_other_trees_are_others(void **state)
{
	char a[VIV_SHA256_HEX], b[VIV_SHA256_HEX];

	assert_int_equal(viv_mkdir_p("one", 0755, NULL), 0);
	assert_int_equal(viv_mkdir_p("two", 0755, NULL), 0);
	hash_of("one", a);
	hash_of("two", b);
	assert_string_equal(a, b);
	assert_int_equal(viv_mkdir_p("two/empty", 0755, NULL), 0);
	hash_of("two", b);
	assert_string_not_equal(a, b);
	assert_int_equal(viv_remove_tree("two/empty", NULL), 0);
	assert_int_equal(symlink("a b", "one/c"), 0);
	assert_int_equal(symlink("a", "two/b c"), 0);
	hash_of("one", a);
	hash_of("two", b);
	assert_string_not_equal(a, b);
}

/* An id says what a patch was: what it became meanwhile doesn't go into it. */
static void patches_are_what_was_hashed(void **state)
{
	VIV_JSON *patches = json_array();
	VIV_STRV names = VIV_STRV_INIT;
	char hex[VIV_SHA256_HEX];

	viv_sha256_of("one", 3, hex);
	json_array_append_new(patches, json_pack("{s:s, s:s}", "file", "fix.patch", "sha256", hex));
	put("fix.patch", "one");
	assert_int_equal(viv_mkdir_p("in", 0755, NULL), 0);
	assert_int_equal(viv_source_copy_patches(patches, "in", &names, NULL), 0);
	assert_string_equal(names.items[0], "000-fix.patch");
	assert_content("in/000-fix.patch", "one");
	put("fix.patch", "two");
	assert_int_equal(viv_source_copy_patches(patches, "in", &names, NULL), -EAGAIN);
}

static void signs_anywhere_in_a_tar_file(void **state)
{
	static const char script[] = "mkdir -p x/a x/debian; cd x/a; seq 3000 | xargs touch; cd ../..; touch x/rest\n"
				     "touch x/meson.build x/debian/rules; tar -cf t.tar x/a x/rest x/meson.build x/debian\n"
				     "gzip -n <t.tar >t.tar.gz; head -c 3000 t.tar.gz >cut.tar.gz; ls >no.tar";
	const char *argv[] = {"sh", "-ec", script, NULL};
	VIV_STRV signs = VIV_STRV_INIT, none = VIV_STRV_INIT;
	VIV_FREE char *text = NULL;

	assert_int_equal(viv_process_check(argv, NULL, 1 << 16, 60000, NULL), 0);
	assert_int_equal(viv_source_archive_signs("t.tar.gz", &signs, NULL), 0);
	text = viv_strv_join(&signs, " ");
	assert_string_equal(text, "meson.build debian/rules");
	assert_int_equal(viv_source_archive_signs("cut.tar.gz", &none, NULL), -EBADMSG);
	assert_int_equal(viv_source_archive_signs("no.tar", &none, NULL), -EBADMSG);
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
		cmocka_unit_test_setup_teardown(a_copy_keeps_what_did_not_change, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(a_copy_is_not_left_through_links, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(a_copy_that_is_a_link_is_refused, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(what_changes_its_type_is_replaced, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(a_copy_goes_on_after_a_failure, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(hashes_of_other_trees_are_others, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(patches_are_what_was_hashed, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(signs_anywhere_in_a_tar_file, enter_folder, leave_folder),
		cmocka_unit_test(names_of_dependencies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
