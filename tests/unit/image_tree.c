/* SPDX-License-Identifier: MIT */
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "image/diff.h"
#include "image/erofs.h"
#include "sandbox/sandbox.h"
#include "unit.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ZERO "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void manifests(void **state)
{
	static const char text[] = "d 0755 0 0 0 7 - - .\n"
				   "f 4755 1 2 0 -7 " ZERO " 0100 a\\040b\n"
				   "h 4755 1 2 0 -7 " ZERO " - c -> a\\040b\n"
				   "l 0777 0 0 0 7 - - d -> ../x\\134y\n"
				   "c 0000 0 0 0 7 - - gone -> 0:0\n";
	VIV_TREE t = VIV_TREE_INIT;
	VIV_STR out = VIV_STR_INIT;

	assert_int_equal(viv_tree_read_manifest(text, sizeof(text) - 1, "m", &t, NULL), 0);
	assert_int_equal(t.n, 5);
	assert_string_equal(t.entries[1].path, "a b");
	assert_string_equal(t.entries[3].target, "../x\\y");
	assert_true(viv_tree_is_whiteout(&t.entries[4]));
	viv_tree_write_manifest(&t, &out);
	assert_string_equal(out.data, text);
}

static void bad_manifests(void **state)
{
	static const char *const rows[] = {
		"",	 "x 0755 0 0 0 7 - - a",	"d 0755 0 0 0 7 - - /a",
		"d 0755 0 0 0 7 - - a/../b", "d 0755 0 0 0 7 - - ..",	"d 0955 0 0 0 7 - - a",
		"d 0755 0 0 0 7 abc - a", "f 0755 0 0 0 7 - zz a", "l 0777 0 0 0 7 - - a",
		"c 0777 0 0 0 7 - - a -> 1",  "h 0777 0 0 0 7 - - a -> ../x", "d 0755 0 0 0 7 - - a\\00",
		"d 0755 0 0 0 7 - - b\nd 0755 0 0 0 7 - - a", "d 0755 -1 0 0 7 - - a",
	};

	for (size_t i = 1; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_TREE t = VIV_TREE_INIT;

		assert_int_equal(viv_tree_read_manifest(rows[i], strlen(rows[i]), "m", &t, NULL),
				 -EINVAL);
		assert_int_equal(t.n, 0);
	}
}

/* What is done inside the sandbox: a tree, a change, their images, and back again. */
static int sh(const char *dir, const char *script, struct viv_error *err)
{
	VIV_FREE char *full = viv_asprintf("cd '%s' && %s", dir, script);
	const char *argv[] = {"sh", "-ec", full, NULL};

	return viv_process_check(argv, NULL, 1 << 20, 30000, err);
}

static int scanned(const char *root, const struct viv_tree *known, struct viv_tree *ret,
		   struct viv_error *err)
{
	int r = viv_tree_scan(root, ret, err);

	return r == 0 ? viv_tree_hash_files(root, ret, known, err) : r;
}

static int layer(const char *scratch, const char *name, const struct viv_tree *before,
		 struct viv_tree *after, struct viv_error *err)
{
	VIV_FREE char *root = viv_path_join(scratch, "root"), *dir = viv_path_join(scratch, name);
	VIV_FREE char *image = viv_asprintf("%s.erofs", dir);
	int r = viv_tree_collect(root, dir, before, after, 1000, before == NULL, err);

	return r == 0 ? viv_erofs_write(dir, image, 1000, name, true, err) : r;
}

/* Unpacks both images over each other; what comes out must be the changed tree. */
static int restore_and_compare(const char *scratch, const struct viv_tree *one,
			       const struct viv_tree *two, struct viv_str *result,
			       struct viv_error *err)
{
	VIV_FREE char *again = viv_path_join(scratch, "again"), *aside = viv_path_join(scratch, "aside");
	VIV_FREE char *a = viv_path_join(scratch, "one.erofs"), *b = viv_path_join(scratch, "two.erofs");
	VIV_FREE char *root = viv_path_join(scratch, "root");
	VIV_TREE was = VIV_TREE_INIT, is = VIV_TREE_INIT;
	VIV_STR x = VIV_STR_INIT, y = VIV_STR_INIT;
	int r = viv_erofs_extract(a, one, again, aside, err);

	if (r == 0)
		r = viv_erofs_extract(b, two, again, aside, err);
	if (r == 0)
		r = scanned(root, NULL, &was, err);
	if (r == 0)
		r = scanned(again, NULL, &is, err);
	if (r < 0)
		return r;
	viv_tree_write_manifest(&was, &x);
	viv_tree_write_manifest(&is, &y);
	if (!viv_streq(x.data, y.data))
		return viv_error_say(err, EIO, "got:\n%s", y.data);
	viv_tree_write_manifest(two, result);
	return 0;
}

static int both_ways(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		     struct viv_str *result, struct viv_error *err)
{
	VIV_FREE char *root = viv_path_join(view->scratch, "root");
	VIV_TREE first = VIV_TREE_INIT, one = VIV_TREE_INIT, two = VIV_TREE_INIT;
	int r = viv_mkdir_p(root, 0755, err);

	if (r == 0)
		r = sh(root, "mkdir -p usr/bin usr/gone/deep etc; echo a > usr/bin/a; ln usr/bin/a usr/bin/b;"
			     "echo keep > usr/bin/keep; echo x > usr/gone/deep/x; ln -s a usr/bin/l;"
			     "echo c > etc/conf; chown 33:44 etc/conf; echo dir > etc/dir;"
			     "mkdir etc/file; echo y > etc/file/y;"
			     "cp /bin/true usr/bin/cap 2>/dev/null; chmod 4755 usr/bin/keep; touch -d @500 usr/bin/keep;"
			     "find . -exec touch -h -d @500 {} +",
		       err);
	if (r == 0)
		r = scanned(root, NULL, &one, err);
	if (r == 0)
		r = layer(view->scratch, "one", NULL, &one, err);
	if (r == 0)
		r = scanned(root, NULL, &first, err);
	if (r == 0)
		r = sh(root, "rm -r usr/gone; echo new > usr/bin/new; chmod 600 etc/conf; rm etc/dir;"
			     "mkdir etc/dir; echo z > etc/dir/z; rm -r etc/file; echo f > etc/file;"
			     "cat usr/bin/keep > k; cat k > usr/bin/keep; rm k; chmod 4755 usr/bin/keep; touch -d @500 usr/bin/keep; ln -sf b usr/bin/l",
		       err);
	if (r == 0)
		r = scanned(root, &first, &two, err);
	if (r == 0)
		r = layer(view->scratch, "two", &first, &two, err);
	return r == 0 ? restore_and_compare(view->scratch, &one, &two, result, err) : r;
}

static void differences(void **state)
{
	struct viv_sandbox_spec spec = {.scratch_size = 64 << 20};
	static const char *const paths[] = {". ",	    "etc ",	     "etc/conf ",  "etc/dir ",
					    "etc/dir/z ",  "etc/file ",	     "usr ",	   "usr/bin ",
					    "usr/bin/l -> b", "usr/bin/new ", "usr/gone -> 0:0"};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;
	struct viv_slice rest, line;
	size_t i = 0;

	if (viv_sandbox_check(&err) < 0) {
		print_message("no sandbox here: %s\n", err.msg);
		skip();
	}
	if (viv_sandbox_call(&spec, both_ways, NULL, NULL, &result, &err) < 0)
		fail_msg("%s", err.msg);
	rest = (struct viv_slice){result.data, result.len};
	for (; viv_slice_line(&rest, &line); i++) {
		VIV_FREE char *text = viv_asprintf("%.*s ", (int)line.len, line.data);

		assert_true(i < VIV_ARRAY_SIZE(paths));
		if (!strstr(text, paths[i]))
			fail_msg("%s: expected %s", text, paths[i]);
	}
	assert_int_equal(i, VIV_ARRAY_SIZE(paths));
}

static void overlays(void **state)
{
	static const char low[] = "d 0755 0 0 0 7 - - .\nd 0755 0 0 0 7 - - a\n"
				  "f 0644 0 0 0 7 " ZERO " - a/x\nf 0644 0 0 0 7 " ZERO " - b\n";
	static const char high[] = "d 0700 0 0 0 8 - - .\nc 0000 0 0 0 8 - - a -> 0:0\n"
				   "f 0600 0 0 0 8 " ZERO " - c\n";
	VIV_TREE t = VIV_TREE_INIT, u = VIV_TREE_INIT;
	VIV_STR out = VIV_STR_INIT;

	viv_tree_read_manifest(low, sizeof(low) - 1, "low", &t, NULL);
	viv_tree_read_manifest(high, sizeof(high) - 1, "high", &u, NULL);
	viv_tree_overlay(&t, &u);
	viv_tree_write_manifest(&t, &out);
	assert_string_equal(out.data, "d 0700 0 0 0 8 - - .\nf 0644 0 0 0 7 " ZERO " - b\n"
				      "f 0600 0 0 0 8 " ZERO " - c\n");
}

/* Of extended attributes only capabilities come along. */
static void attributes(void **state)
{
	VIV_FREE char *dir = test_dir("attributes"), *root = viv_path_join(dir, "root");
	VIV_FREE char *file = viv_path_join(root, "file"), *dest = viv_path_join(dir, "dest");
	VIV_FREE char *kept = viv_path_join(dest, "file");
	static const unsigned char caps[20] = {0x01, 0x00, 0x00, 0x02, 0x00, 0x20};
	VIV_TREE t = VIV_TREE_INIT;
	char names[100];
	bool can_caps;

	assert_int_equal(mkdir(root, 0755), 0);
	assert_int_equal(viv_write_file(file, "x", 1, 0755, NULL), 0);
	if (setxattr(file, "user.note", "x", 1, 0) < 0) {
		viv_remove_tree(dir, NULL);
		print_message("not tested: no extended attributes below %s\n", dir);
		skip();
	}
	can_caps = setxattr(file, "security.capability", caps, sizeof(caps), 0) == 0;
	assert_int_equal(viv_tree_scan(root, &t, NULL), 0);
	assert_int_equal(viv_tree_hash_files(root, &t, NULL, NULL), 0);
	assert_int_equal(viv_tree_collect(root, dest, NULL, &t, 1, false, NULL), 0);
	assert_int_equal(viv_tree_has_caps(&t), can_caps);
	assert_true(getxattr(kept, "user.note", names, sizeof(names)) < 0);
	assert_int_equal(getxattr(kept, "security.capability", names, sizeof(names)) > 0, can_caps);
	viv_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests),   cmocka_unit_test(bad_manifests),
		cmocka_unit_test(differences), cmocka_unit_test(overlays),
		cmocka_unit_test(attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
