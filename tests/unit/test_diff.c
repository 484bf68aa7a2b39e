/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "test/diff.h"

static void check(const char *old, const char *new, size_t want_first, const char *want)
{
	VIV_STR got = VIV_STR_INIT;

	assert_int_equal(viv_test_diff(viv_slice(old), viv_slice(new), &got), want_first);
	assert_string_equal(got.data ? got.data : "", want);
}

static void test_lines(void **state)
{
	check("", "", 0, "");
	check("a\nb", "a\nb\n", 0, "");
	check("a\nb\nc\n", "a\nx\nc\n", 2, "  a\n- b\n+ x\n  c\n");
	check("a\nb\n", "a\n", 2, "  a\n- b\n");
	check("a\n", "a\n\n", 2, "  a\n+ \n");
	check("", "a\n", 1, "+ a\n");
	/* A line more in the middle moves what follows, and is all that differs. */
	check("a\nc\nd\ne\n", "a\nb\nc\nd\nx\n", 2, "  a\n+ b\n  c\n  d\n- e\n+ x\n");
}

static void test_far_lines(void **state)
{
	check("1\n2\n3\n4\n5\n6\n7\n8\n9\na\nb\nc\nd\ne\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\na\nb\nc\nY\ne\n", 5,
	      "  …\n  2\n  3\n  4\n- 5\n+ X\n  6\n  7\n  8\n  …\n  a\n  b\n  c\n- d\n+ Y\n  e\n");
}

/* Nothing of it is obeyed by a terminal, and no letter is lost. */
static void test_odd_lines(void **state)
{
	VIV_STR got = VIV_STR_INIT;

	assert_int_equal(viv_test_diff(VIV_SLICE("a\0b\n"), VIV_SLICE("a\n"), &got), 1);
	assert_string_equal(got.data, "- a\\x00b\n+ a\n");
	check("a\033[2J\n", "\303\244\n", 1, "- a\\x1b[2J\n+ \303\244\n");
}

static void test_long_texts(void **state)
{
	VIV_STR old = VIV_STR_INIT, new = VIV_STR_INIT, got = VIV_STR_INIT;

	for (unsigned i = 0; i < 20000; i++) {
		viv_str_addf(&old, "old %u\n", i);
		viv_str_addf(&new, "new %u\n", i);
	}
	assert_int_equal(viv_test_diff((struct viv_slice){old.data, old.len}, (struct viv_slice){new.data, new.len}, &got), 1);
	assert_true(viv_starts_with(got.data, "- old 0\n- old 1\n"));
	assert_true(got.len < 10000);
	assert_true(viv_ends_with(got.data, "\n  …\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_far_lines),
		cmocka_unit_test(test_odd_lines),
		cmocka_unit_test(test_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
