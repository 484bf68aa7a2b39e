/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/fd.h"
#include "test/files.h"
#include "test/suite.h"

static void put(const char *path, const char *text)
{
	VIV_FREE char *folder = viv_path_dir(path);

	assert_int_equal(viv_mkdir_p(folder, 0755, NULL), 0);
	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
}

/* Titles, a line each, with what is wrong or passed over. */
static char *collect(const struct viv_suite_spec *spec)
{
	VIV_CLEANUP(viv_suite_free_contents) struct viv_suite suite = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR text = VIV_STR_INIT;

	if (viv_suite_collect(spec, NULL, &suite, &err) < 0)
		return viv_asprintf("error: %s", err.msg);
	for (size_t i = 0; i < suite.n; i++) {
		const struct viv_test_case *c = &suite.cases[i];

		viv_str_addf(&text, "%s%s%s%s%s\n", c->title, c->error ? " !" : "", c->error ? c->error : "",
			     c->skip ? " -" : "", c->skip ? c->skip : "");
	}
	for (size_t i = 0; i < suite.unused_params.count; i++)
		viv_str_addf(&text, "unused %s\n", suite.unused_params.items[i]);
	return viv_str_steal(&text);
}

static void check(const struct viv_suite_spec *spec, const char *want)
{
	VIV_FREE char *got = collect(spec);

	assert_string_equal(got, want);
}

static void files_are_found(void **state)
{
	static const char *const passed_over[] = {".git/x.test.lua", "build/x.test.lua", "result/x.test.lua",
						  "build-asan/x.test.lua", "a/vm.lua", "a/test.lua"};
	VIV_STRV found = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	put("b.test.lua", "");
	put("a/deep/er/z.test.lua", "");
	put("a/y.test.lua", "");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(passed_over); i++)
		put(passed_over[i], "");
	assert_int_equal(symlink("a", "link"), 0);
	assert_int_equal(viv_test_files(NULL, &found, &err), 0);
	assert_int_equal(found.count, 3);
	assert_string_equal(found.items[0], "a/deep/er/z.test.lua");
	assert_string_equal(found.items[1], "a/y.test.lua");
	assert_string_equal(found.items[2], "b.test.lua");
}

/* What is named is taken whatever it is called, once; what isn't there is an error. */
static void paths_are_taken(void **state)
{
	const char *const twice[] = {"./b.test.lua", "b.test.lua", ".", NULL};
	const char *const none[] = {"nowhere.lua", NULL}, *const empty[] = {"empty", NULL};
	VIV_STRV found = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	put("b.test.lua", "");
	put("empty/vm.lua", "");
	assert_int_equal(viv_test_files(twice, &found, &err), 0);
	assert_int_equal(found.count, 1);
	assert_int_equal(viv_test_files(none, &found, &err), -ENOENT);
	viv_error_clear(&err);
	assert_int_equal(viv_test_files(empty, &found, &err), -ENOENT);
	assert_string_equal(err.msg, "empty: no *.test.lua below it");
}

static void combinations_are_made(void **state)
{
	const struct viv_suite_spec all = {0};
	const char *only[] = {"xfs,n=2", NULL};
	const struct viv_suite_spec some = {.only = only};

	put("m.test.lua", "local fs = matrix('fs', { 'ext4', 'xfs' })\nlocal n = matrix('n', { 1, 2 })\n"
			  "test('a', function() end)\ntest('b', { skip = 'why' }, function() end)\n");
	check(&all, "m.test.lua: a [fs=ext4,n=1]\nm.test.lua: b [fs=ext4,n=1] -why\n"
		    "m.test.lua: a [fs=ext4,n=2]\nm.test.lua: b [fs=ext4,n=2] -why\n"
		    "m.test.lua: a [fs=xfs,n=1]\nm.test.lua: b [fs=xfs,n=1] -why\n"
		    "m.test.lua: a [fs=xfs,n=2]\nm.test.lua: b [fs=xfs,n=2] -why\n");
	check(&some, "m.test.lua: a [fs=xfs,n=2]\nm.test.lua: b [fs=xfs,n=2] -why\n");
}

/* Whatever labels are called, no two combinations are. */
static void combinations_differ(void **state)
{
	const struct viv_suite_spec all = {0};

	put("e.test.lua", "matrix('a', { 'x,b=y', 'x' })\nmatrix('b', { 'y', 'y,b=y' })\ntest('t', function() end)\n");
	check(&all, "e.test.lua: t [a=x\\,b\\=y,b=y]\ne.test.lua: t [a=x\\,b\\=y,b=y\\,b\\=y]\n"
		    "e.test.lua: t [a=x,b=y]\ne.test.lua: t [a=x,b=y\\,b\\=y]\n");
}

/* A file that is wrong is one case; the others are there all the same. */
static void wrong_files_are_cases(void **state)
{
	const struct viv_suite_spec all = {0};
	VIV_FREE char *got = NULL;

	put("good.test.lua", "function test() end\n");
	put("option.test.lua", "machine.virtualisation.coers = 2\nfunction test() end\n");
	put("syntax.test.lua", "test('x', function()\n");
	got = collect(&all);
	assert_non_null(strstr(got, "good.test.lua: good\n"));
	assert_non_null(strstr(got, "option.test.lua !option.test.lua:1: "));
	assert_non_null(strstr(got, "virtualisation.cores"));
	assert_non_null(strstr(got, "syntax.test.lua !syntax.test.lua:"));
}

static void axes_must_not_depend_on_one_another(void **state)
{
	const struct viv_suite_spec all = {0};
	VIV_FREE char *got = NULL;

	put("d.test.lua", "local a = matrix('a', { 'x', 'y' })\nif a == 'y' then matrix('b', { 1, 2 }) end\n"
			  "function test() end\n");
	got = collect(&all);
	assert_non_null(strstr(got, "d.test.lua: d [a=x]\n"));
	assert_non_null(strstr(got, "d.test.lua [a=y] !d.test.lua: with a=y it has other matrix(…) calls"));
}

static void params_are_asked_for(void **state)
{
	const struct viv_config_choice params[] = {{"size", "3"}, {"other", "x"}};
	const struct viv_suite_spec spec = {.params = params, .n_params = 2};

	put("p.test.lua", "local size = param('size', 1)\ntest('size ' .. size, function() end)\n");
	check(&spec, "p.test.lua: size 3\nunused other\n");
}

static void too_many_combinations(void **state)
{
	const struct viv_suite_spec all = {0};
	VIV_FREE char *got = NULL;

	put("l.test.lua", "local l = {}\nfor i = 1, 40 do l[i] = i end\nmatrix('a', l)\nmatrix('b', l)\n"
			  "function test() end\n");
	got = collect(&all);
	assert_string_equal(got, "l.test.lua !l.test.lua: its matrix has more than 1000 combinations\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_are_found, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(paths_are_taken, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(combinations_are_made, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(combinations_differ, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(wrong_files_are_cases, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(axes_must_not_depend_on_one_another, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(params_are_asked_for, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(too_many_combinations, enter_folder, leave_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
