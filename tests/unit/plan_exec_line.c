/* SPDX-License-Identifier: MIT */

/* systemd's command lines, for a shell. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "plan/exec-line.h"

static const struct {
	const char *text, *shell;
	bool may_fail;
} good[] = {
	{"/bin/true", "\"/bin/true\"", false},
	{"-/bin/rm  -f /x", "\"/bin/rm\" \"-f\" \"/x\"", true},
	{"/bin/echo 'a b' \"c\\\"d\" e\\sf", "\"/bin/echo\" \"a b\" \"c\\\"d\" \"e f\"", false},
	{"/bin/echo $A ${B}c $$D x$E 100%%", "\"/bin/echo\" $A \"${B}c\" \"\\$D\" \"x\\$E\" \"100%\"", false},
	{"/bin/echo `id` $(id) ; x", NULL, false},
	{"/bin/echo `id` $(id) ${", "\"/bin/echo\" \"\\`id\\`\" \"\\$(id)\" \"\\${\"", false},
	{"/bin/echo ''", "\"/bin/echo\" \"\"", false},
};

static const struct {
	const char *text, *error;
} bad[] = {
	{"+/bin/x", "the prefix \"+\""},
	{"-!/bin/x", "the prefix \"!\""},
	{"x y", "a program without its path (\"x y\")"},
	{"", "a program without its path (\"\")"},
	{"/bin/x %i", "the specifier %i"},
	{"/bin/x %", "the specifier % "},
	{"/bin/x 'a", "a quote that isn't closed"},
	{"/bin/x \\q", "the escape \\q"},
	{"/bin/x \\", "the escape \\ "},
	{"/bin/x ; /bin/y", "several commands with \";\" between"},
};

static void lines(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(good); i++) {
		VIV_CLEANUP(viv_exec_line_free) struct viv_exec_line l = {0};
		VIV_ERROR err = VIV_ERROR_INIT;
		int r = viv_exec_line_parse(good[i].text, &l, &err);

		if (!good[i].shell) {
			assert_true(r < 0);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(l.shell.data, good[i].shell);
		assert_int_equal(l.may_fail, good[i].may_fail);
	}
}

static void wrong_ones(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(bad); i++) {
		VIV_CLEANUP(viv_exec_line_free) struct viv_exec_line l = {0};
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_true(viv_exec_line_parse(bad[i].text, &l, &err) < 0);
		assert_string_equal(err.msg, bad[i].error);
		assert_null(l.shell.data);
	}
}

static void words(void **state)
{
	VIV_STRV v = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(viv_exec_words("A=1 'B=two words' \"C=\\\"\"", &v, &err), 0);
	assert_int_equal(v.count, 3);
	assert_string_equal(v.items[1], "B=two words");
	assert_string_equal(v.items[2], "C=\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(wrong_ones),
					   cmocka_unit_test(words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
