/* SPDX-License-Identifier: MIT */
#include "store.h"

static void ids(void **state)
{
	static const struct {
		const char *id;
		bool valid;
	} rows[] = {
		{"0123456789abcdef0123456789abcdef-a", true},
		{"0123456789abcdef0123456789abcdef-libc6_2.36-9+deb12u4~x:y=z", true},
		{"0123456789abcdef0123456789abcdef-", false},
		{"0123456789abcdef0123456789abcdef-.x", false},
		{"0123456789abcdef0123456789abcdef-a/b", false},
		{"0123456789abcdef0123456789abcdef-a b", false},
		{"0123456789ABCDEF0123456789abcdef-a", false},
		{"0123456789abcdef0123456789abcde-a", false},
		{"", false},
		{"../../etc/passwd", false},
	};
	VIV_JSON *one = json_pack("{s:i, s:i}", "a", 1, "b", 2);
	VIV_JSON *two = json_pack("{s:i, s:i}", "b", 2, "a", 1);
	VIV_FREE char *x = viv_store_id("n", one), *y = viv_store_id("n", two), *longest = NULL;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++)
		assert_int_equal(viv_store_id_is_valid(rows[i].id), rows[i].valid);
	assert_string_equal(x, y);
	/* printf '{"a":1,"b":2}' | sha256sum */
	assert_string_equal(x, "43258cff783fe7036d8a43033f830adf-n");
	longest = viv_asprintf("%.33s%0167d", rows[0].id, 0);
	assert_true(viv_store_id_is_valid(longest));
	free(longest);
	longest = viv_asprintf("%.33s%0168d", rows[0].id, 0);
	assert_false(viv_store_id_is_valid(longest));
}

static void a_file(void **state)
{
	struct place *p = *state;
	VIV_FREE char *id = put(p->s, "hello", NULL), *path = viv_store_object_path(p->s, id);
	VIV_JSON *info = NULL, *recipe = recipe_of("hello");
	VIV_STR text = VIV_STR_INIT;
	struct viv_store_build *b = NULL;
	struct stat st;

	assert_true(viv_store_has(p->s, id));
	assert_true(viv_store_has_closure(p->s, id));
	assert_int_equal(viv_store_begin(p->s, id, NULL, &b, NULL), 1);
	ok(viv_read_file(path, 100, &text, err));
	assert_string_equal(text.data, "hello");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	ok(viv_store_info(p->s, id, &info, err));
	assert_string_equal(viv_json_str(info, "kind"), "file");
	assert_string_equal(viv_json_str(info, "sha256"),
			    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	assert_int_equal(json_integer_value(json_object_get(info, "size")), 5);
	assert_true(json_equal(json_object_get(info, "recipe"), recipe));
	reopen(p);
	assert_true(viv_store_has(p->s, id));
	assert_int_equal(count_in(p, "tmp"), 0);
	assert_int_equal(count_in(p, "pins"), 0);
}

static void make_tree(const char *top)
{
	VIV_FREE char *sub = viv_path_join(top, "sub"), *file = viv_path_join(sub, "file");
	VIV_FREE char *tool = viv_path_join(top, "tool"), *link = viv_path_join(top, "link");

	ok(viv_mkdir_p(sub, 0700, err));
	write_text(file, "content");
	write_text(tool, "#!/bin/sh\n");
	assert_int_equal(chmod(tool, 0750), 0);
	assert_int_equal(symlink("/etc/passwd", link), 0);
}

static char *put_tree(struct viv_store *s, const char *name)
{
	VIV_JSON *recipe = recipe_of(name), *info = NULL;
	VIV_FREE char *id = id_of(name);
	struct viv_store_build *b = NULL;

	ok(viv_store_begin(s, id, NULL, &b, err));
	make_tree(viv_store_build_path(b));
	ok(viv_store_commit(b, recipe, NULL, err));
	ok(viv_store_info(s, id, &info, err));
	assert_string_equal(viv_json_str(info, "kind"), "folder");
	return viv_strdup(viv_json_str(info, "sha256"));
}

static void a_folder(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put_tree(p->s, "a"), *b = put_tree(p->s, "b");
	VIV_FREE char *id = id_of("a"), *path = viv_store_object_path(p->s, id);
	static const struct {
		const char *name;
		mode_t mode;
	} rows[] = {{"", 0555}, {"sub", 0555}, {"sub/file", 0444}, {"tool", 0555}};

	assert_string_equal(a, b);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *at = viv_path_join(path, rows[i].name);
		struct stat st;

		assert_int_equal(lstat(at, &st), 0);
		assert_int_equal(st.st_mode & 07777, rows[i].mode);
		assert_int_equal(st.st_mtime, 1);
	}
}

static void refused(void **state)
{
	struct place *p = *state;
	VIV_JSON *right = recipe_of("x"), *wrong = recipe_of("y");
	VIV_FREE char *id = id_of("x"), *other = id_of("z"), *fifo = NULL;
	VIV_STRV refs = VIV_STRV_INIT;
	struct viv_store_build *b = NULL, *again = NULL;

	ok(viv_store_begin(p->s, id, NULL, &b, err));
	assert_int_equal(viv_store_begin(p->s, id, NULL, &again, NULL), -EDEADLK);
	write_text(viv_store_build_path(b), "x");
	assert_int_equal(viv_store_commit(b, wrong, NULL, NULL), -EINVAL);
	ok(viv_store_begin(p->s, id, NULL, &b, err));
	assert_int_equal(viv_store_commit(b, right, NULL, NULL), -ENOENT); /* nothing made */
	ok(viv_store_begin(p->s, id, NULL, &b, err));
	write_text(viv_store_build_path(b), "x");
	viv_strv_push(&refs, other);
	assert_int_equal(viv_store_commit(b, right, &refs, NULL), -ENOENT);
	ok(viv_store_begin(p->s, id, NULL, &b, err));
	ok(viv_mkdir_p(viv_store_build_path(b), 0755, err));
	fifo = viv_path_join(viv_store_build_path(b), "fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(viv_store_commit(b, right, NULL, NULL), -EINVAL);
	assert_int_equal(viv_store_begin(p->s, "../x", NULL, &b, NULL), -EINVAL);
	assert_false(viv_store_has(p->s, id));
	assert_int_equal(count_in(p, "objects"), 0);
	assert_int_equal(count_in(p, "info"), 0);
	reopen(p);
	assert_int_equal(count_in(p, "tmp"), 0);
}

static void groups(void **state)
{
	enum { N = 20 };
	struct place *p = *state;
	struct viv_store_build *builds[N];
	struct viv_store_commit items[N];
	char *names[N + 1] = {0};
	json_t *recipes[N];
	VIV_STRV refs = VIV_STRV_INIT;
	VIV_FREE char *there = NULL;

	for (int i = 0; i < N; i++) {
		VIV_FREE char *text = viv_asprintf("group %d", i);

		recipes[i] = recipe_of(text);
		names[i] = id_of(text);
	}
	there = put(p->s, "group 7", NULL);
	ok(viv_store_begin_many(p->s, (const char *const *)names, N, NULL, builds, err));
	assert_null(builds[7]);
	viv_strv_push(&refs, names[0]);
	for (int i = 0, k = 0; i < N; i++) {
		if (!builds[i])
			continue;
		write_text(viv_store_build_path(builds[i]), "same");
		items[k++] = (struct viv_store_commit){builds[i], recipes[i], i ? &refs : NULL};
	}
	ok(viv_store_commit_many(p->s, items, N - 1, err));
	for (int i = 0; i < N; i++) {
		assert_true(viv_store_has_closure(p->s, names[i]));
		json_decref(recipes[i]);
		free(names[i]);
	}
}

static void roots(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put(p->s, "a", NULL), *b = put(p->s, "b", NULL);
	VIV_FREE char *link = viv_path_join(p->dir, "result"), *file = viv_path_join(p->dir, "f");
	VIV_FREE char *absent = id_of("absent"), *path = viv_store_object_path(p->s, b);
	char target[4096] = "";

	ok(viv_store_add_root(p->s, link, a, err));
	ok(viv_store_add_root(p->s, link, a, err));
	ok(viv_store_add_root(p->s, link, b, err));
	assert_true(readlink(link, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, path);
	write_text(file, "mine");
	assert_int_equal(viv_store_add_root(p->s, file, a, NULL), -EEXIST);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(symlink("/etc", file), 0);
	assert_int_equal(viv_store_add_root(p->s, file, a, NULL), -EEXIST);
	assert_int_equal(viv_store_add_root(p->s, link, absent, NULL), -ENOENT);
	assert_int_equal(count_in(p, "roots"), 1);
}

static void not_a_store(void **state)
{
	struct place *p = *state;
	VIV_FREE char *format = viv_path_join(p->root, "format");
	struct viv_store *s = NULL;

	write_text(format, "2\n");
	assert_int_equal(viv_store_open(p->root, &s, NULL), -EPROTO);
	assert_int_equal(viv_store_open("/usr", &s, NULL), -ENOTEMPTY);
	assert_int_equal(viv_store_open("/dev/null/x", &s, NULL), -ENOTDIR);
	write_text(format, "1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids),
		cmocka_unit_test_setup_teardown(a_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(groups, set_up, tear_down),
		cmocka_unit_test_setup_teardown(roots, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_a_store, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
