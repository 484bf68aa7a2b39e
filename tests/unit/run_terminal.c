/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/terminal.h"

#include "base/str.h"

static const struct {
	enum viv_escape_kind kind;
	const char *in, *out;
	bool end;
} rows[] = {
	{VIV_ESCAPE_CTRL_A, "ls\r", "ls\r", false},
	{VIV_ESCAPE_CTRL_A, "ab\001x", "ab", true},
	{VIV_ESCAPE_CTRL_A, "\001Xrest", "", true},
	{VIV_ESCAPE_CTRL_A, "\001\001a", "\001a", false},
	{VIV_ESCAPE_CTRL_A, "\001b", "\001b", false},
	{VIV_ESCAPE_CTRL_A, "~.", "~.", false},
	{VIV_ESCAPE_TILDE, "~.", "", true},
	{VIV_ESCAPE_TILDE, "a~.", "a~.", false},
	{VIV_ESCAPE_TILDE, "a\r~.b", "a\r", true},
	{VIV_ESCAPE_TILDE, "~~.", "~.", false},
	{VIV_ESCAPE_TILDE, "~/bin\r", "~/bin\r", false},
	{VIV_ESCAPE_TILDE, "\001x", "\001x", false},
};

/* Whole, and key by key. */
static void test_rows(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		for (size_t step = strlen(rows[i].in); step > 0; step = step > 1 ? 1 : 0) {
			struct viv_escape e = VIV_ESCAPE_INIT(rows[i].kind);
			VIV_STR got = VIV_STR_INIT;
			bool end = false;

			viv_str_add(&got, "");
			for (size_t at = 0; at < strlen(rows[i].in) && !end; at += step) {
				char out[64];
				size_t n;

				end = viv_escape_feed(&e, rows[i].in + at, step, out, &n);
				viv_str_add_bytes(&got, out, n);
			}
			assert_int_equal(end, rows[i].end);
			assert_string_equal(got.data ? got.data : "", rows[i].out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
