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

/* Each option with its type, and of one that is shown. */
static void check_row_options(const struct method *m)
{
	struct viv_slice rest = viv_slice(m->options), w;

	assert_non_null(strstr(m->shown, "{"));
	while (viv_slice_word(&rest, &w)) {
		assert_true(w.len > 2 && w.data[w.len - 2] == ':');
		assert_non_null(strchr("inbtwWudq", w.data[w.len - 1]));
	}
}

static void check_row(const struct method *m)
{
	const char *p = m->params;

	assert_non_null(m->fn);
	assert_true(m->shown[0] == '(' && m->shown[strlen(m->shown) - 1] == ')');
	assert_true(m->text[0]);
	for (; *p; p++)
		assert_non_null(strchr("?*sSinbfmat", *p));
	if (m->options)
		check_row_options(m);
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
