/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "test/files.h"
#include "test/suite.h"

#include <sys/stat.h>

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
	VIV_STRV found = VIV_STRV_INIT, unread = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	put("b.test.lua", "");
	put("a/deep/er/z.test.lua", "");
	put("a/y.test.lua", "");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(passed_over); i++)
		put(passed_over[i], "");
	assert_int_equal(symlink("a", "link"), 0);
	assert_int_equal(viv_test_files(NULL, &found, &unread, &err), 0);
	assert_int_equal(found.count, 3);
	assert_string_equal(found.items[0], "a/deep/er/z.test.lua");
	assert_string_equal(found.items[1], "a/y.test.lua");
	assert_string_equal(found.items[2], "b.test.lua");
}

/* Root can look anywhere: another user can't. */
static void unreadable_folders_are_told(void **state)
{
	VIV_STRV found = VIV_STRV_INIT, unread = VIV_STRV_INIT;
	const char *const closed[] = {"closed", NULL};
	VIV_ERROR err = VIV_ERROR_INIT;
	bool root = geteuid() == 0;

	put("b.test.lua", "");
	put("closed/c.test.lua", "");
	put("outer/closed/c.test.lua", "");
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(chmod("closed", 0), 0);
	assert_int_equal(chmod("outer/closed", 0), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(viv_test_files(NULL, &found, &unread, &err), 0);
	assert_int_equal(viv_test_files(closed, &found, &unread, &err), -EACCES);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod("closed", 0755), 0);
	assert_int_equal(chmod("outer/closed", 0755), 0);
	assert_int_equal(found.count, 1);
	assert_int_equal(unread.count, 2);
	viv_strv_sort(&unread);
	assert_string_equal(unread.items[0], "closed: Permission denied");
	assert_string_equal(unread.items[1], "outer/closed: Permission denied");
}

/* What is named is taken whatever it is called, once; what isn't there is an error. */
static void paths_are_taken(void **state)
{
	VIV_FREE char *here = getcwd(NULL, 0), *whole = viv_path_join(here, "b.test.lua");
	const char *const twice[] = {"./b.test.lua", "b.test.lua", whole, ".", NULL};
	const char *const none[] = {"nowhere.lua", NULL}, *const empty[] = {"empty", NULL};
	VIV_STRV found = VIV_STRV_INIT, unread = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	put("b.test.lua", "");
	put("empty/vm.lua", "");
	assert_int_equal(viv_test_files(twice, &found, &unread, &err), 0);
	assert_int_equal(found.count, 1);
	assert_int_equal(viv_test_files(none, &found, &unread, &err), -ENOENT);
	viv_error_clear(&err);
	assert_int_equal(viv_test_files(empty, &found, &unread, &err), -ENOENT);
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

static void some_are_chosen(void **state)
{
	static const char both[] = "a.test.lua: page\na.test.lua: page, too\n";
	static const struct { const char *only, *want; } rows[] = {
		{"page", "a.test.lua: page\nsub/b.test.lua: page [fs=[x*]]\nsub/b.test.lua: page [fs=y]\n"},
		{"pag", "a.test.lua: page\na.test.lua: page, too\nsub/b.test.lua: page [fs=[x*]]\nsub/b.test.lua: page [fs=y]\n"},
		{"a.test.lua: page", "a.test.lua: page\n"},
		{"a.test.lua:page", "a.test.lua: page\n"},
		{"page [fs=y]", "sub/b.test.lua: page [fs=y]\n"},
		{"sub/b.test.lua:page [fs=y]", "sub/b.test.lua: page [fs=y]\n"},
		{"fs=y", "sub/b.test.lua: page [fs=y]\n"},
		{"page*", "a.test.lua: page\na.test.lua: page, too\nsub/b.test.lua: page [fs=[x*]]\nsub/b.test.lua: page [fs=y]\n"},
		{"a.test.lua*", both},
		{"*too", "a.test.lua: page, too\n"},
		{"*[fs=[*", "sub/b.test.lua: page [fs=[x*]]\n"},
		{"*ag", "error: --only *ag: there is no test of that name\n`viv test --list` shows which there are"},
		{"pgae", "error: --only pgae: there is no test of that name (did you mean \"page\"?)\n"
			 "`viv test --list` shows which there are"},
	};

	const char *const several[] = {"page, too", "fs=y", NULL}, *const unknown[] = {"page, too", "nothing", NULL};
	const struct viv_suite_spec two = {.only = several}, wrong = {.only = unknown};

	put("a.test.lua", "test('page', function() end)\ntest('page, too', function() end)\n");
	put("sub/b.test.lua", "matrix('fs', { '[x*]', 'y' })\ntest('page', function() end)\n");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		const char *only[] = {rows[i].only, NULL};
		const struct viv_suite_spec some = {.only = only};

		check(&some, rows[i].want);
	}
	check(&two, "a.test.lua: page, too\nsub/b.test.lua: page [fs=y]\n");
	check(&wrong, "error: --only nothing: there is no test of that name\n`viv test --list` shows which there are");
}

static void what_the_host_lacks_is_skipped(void **state)
{
	const struct viv_suite_spec all = {0};

	put("n.test.lua", "test('a', { needs = { 'sh', '/' } }, function() end)\n"
			  "test('b', { needs = { 'sh', 'no-such-program' } }, function() end)\n"
			  "test('c', { needs = '/no/such/file' }, function() end)\n"
			  "test('d', { needs = '/no/such/file', skip = 'why' }, function() end)\n");
	check(&all, "n.test.lua: a\nn.test.lua: b -no-such-program is missing\n"
		    "n.test.lua: c -/no/such/file is missing\nn.test.lua: d -why\n");
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
	put("kind.test.lua", "test('x', { expect = { 'oops', 'text of it', 'loop' } }, function() end)\n"
			     "test('y', { expect = 'oopss' }, function() end)\n");
	got = collect(&all);
	assert_non_null(strstr(got, "kind.test.lua: x\n"));
	assert_non_null(strstr(got, "kind.test.lua: y !kind.test.lua:2: test: expect: there is no kind of report called oopss "
				    "(did you mean oops?)"));
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
		cmocka_unit_test_setup_teardown(unreadable_folders_are_told, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(paths_are_taken, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(some_are_chosen, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(combinations_are_made, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(what_the_host_lacks_is_skipped, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(combinations_differ, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(wrong_files_are_cases, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(axes_must_not_depend_on_one_another, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(params_are_asked_for, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(too_many_combinations, enter_folder, leave_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
