/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "test/methods.h"

static bool is_reserved(const char *name)
{
	for (const char *const *r = viv_test_reserved(); *r; r++)
		if (viv_streq(*r, name))
			return true;
	return false;
}

static void check_row(const struct method *m)
{
	const char *p = m->params;

	assert_non_null(m->fn);
	assert_true(m->shown[0] == '(' && m->shown[strlen(m->shown) - 1] == ')');
	assert_true(m->text[0]);
	for (; *p; p++)
		assert_non_null(strchr("?*sinbfmat", *p));
	/* Options that there are stand in what is shown. */
	assert_true(!m->options || strstr(m->shown, "{"));
}

static void rows_are_whole(void **state)
{
	for (const struct method *const *t = method_tables; *t; t++)
		for (const struct method *m = *t; m->name; m++)
			check_row(m);
	for (const struct method *const *t = function_tables; *t; t++)
		for (const struct method *m = *t; m->name; m++)
			check_row(m);
	for (const struct method *m = functions_assert; m->name; m++)
		check_row(m);
}

/* A machine named like a function could not be reached, or would hide it. */
static void functions_are_reserved(void **state)
{
	size_t n = 0;

	for (const struct method *const *t = function_tables; *t; t++)
		for (const struct method *m = *t; m->name; m++, n++)
			assert_true(is_reserved(m->name));
	assert_true(is_reserved("t"));
	for (const char *const *r = viv_test_reserved(); *r; r++)
		n--;
	assert_int_equal(n, (size_t)-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(functions_are_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
