/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "test/diff.h"
#include "test/text.h"

#include <sys/resource.h>

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

static long used_kib(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return u.ru_maxrss;
}

/* As much as a command may write: neither lines nor bytes of it make more. */
static void test_guests_texts(void **state)
{
	static const size_t max = 16 << 20;
	VIV_FREE char *text = viv_new_array(char, max);
	VIV_STR got = VIV_STR_INIT;
	long before;

	memset(text, '\n', max);
	before = used_kib();
	assert_int_equal(viv_test_diff(VIV_SLICE("x"), (struct viv_slice){text, max}, &got), 1);
	assert_true(used_kib() - before < 128 << 10);
	assert_true(viv_starts_with(got.data, "- x\n+ \n"));
	assert_true(viv_ends_with(got.data, "\n  …\n"));
	/* What is the same is no limit. */
	text[max - 5] = 'y';
	viv_str_free(&got);
	assert_int_equal(viv_test_diff((struct viv_slice){text, max - 6}, (struct viv_slice){text, max}, &got), max - 5);
	assert_string_equal(got.data, "  …\n  \n  \n  \n+ \n+ y\n+ \n+ \n+ \n");
	memset(text, 0, max);
	viv_str_free(&got);
	assert_int_equal(viv_test_diff(VIV_SLICE("x\ny"), (struct viv_slice){text, max}, &got), 1);
	assert_true(got.len < 64 << 10);
	assert_true(viv_ends_with(got.data, "\\x00…\n"));
}

static void check_differs(const char *got, const char *wanted, const char *want, const char *want_lines)
{
	VIV_STR lines = VIV_STR_INIT;
	VIV_FREE char *said = viv_test_differs(viv_slice(got), viv_slice(wanted), &lines);

	assert_string_equal(said, want);
	assert_string_equal(lines.data ? lines.data : "", want_lines);
}

static void test_said(void **state)
{
	VIV_FREE char *same = viv_asprintf("%0600d", 0), *got = viv_asprintf("%sxyz", same), *wanted = viv_asprintf("%sxyä", same);
	VIV_FREE char *cut = viv_test_quoted(viv_slice(same), 0), *from = viv_test_quoted(viv_slice("ä\n"), 1);

	check_differs("a\nb\n", "a\nc\n", "the texts differ from line 2 on", "expected (-), got (+):\n  a\n- c\n+ b\n");
	check_differs("a\n", "a", "expected \"a\", got \"a\\n\"", "");
	check_differs("a\nb", "a\nb\n", "expected \"a\\nb\\n\", got \"a\\nb\"", "");
	check_differs("", "\n", "expected \"\\n\", got \"\"", "");
	/* Of what is long the part that differs is shown. */
	check_differs(got, wanted, "expected …\"0000000000000000000000000000000000000000000000000000000000xyä\", "
				   "got …\"0000000000000000000000000000000000000000000000000000000000xyz\"", "");
	assert_int_equal(strlen(cut), 500 + strlen("\"\"…"));
	assert_true(viv_ends_with(cut, "0\"…"));
	assert_string_equal(from, "\"ä\\n\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_far_lines),
		cmocka_unit_test(test_odd_lines),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_guests_texts),
		cmocka_unit_test(test_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
