/* SPDX-License-Identifier: MIT */

/* Where a name stands in a machine file: its line, of any index at all. */

#include "config/lua/scan.h"
#include "unit.h"

static int find(const char *text, const char *const *parts, size_t n)
{
	VIV_ARENA arena = VIV_ARENA_INIT;
	struct viv_tokens t = viv_scan(&arena, viv_slice(text));
	struct viv_statements all = viv_scan_statements(&arena, &t);
	struct viv_name name = {parts, n};

	assert_int_equal(all.count, 1);
	return viv_scan_find(&t, all.items[0].value, all.items[0].end, &name);
}

static void words(void **state)
{
	static const struct {
		const char *index;
		int line;
	} rows[] = {
		{"[0]", 0}, {"[1]", 2}, {"[2]", 2}, {"[3]", 4},
		{"[4]", 0}, {"[2147483647]", 0}, {"[2147483648]", 0}, {"[99999999999999999999]", 0},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		assert_int_equal(find("a = pkgs[[\nhtop tmux\n\nstrace ]]", &rows[i].index, 1),
				 rows[i].line);
		assert_int_equal(find("a = {\n1, 2,\n\n3 }", &rows[i].index, 1), rows[i].line);
	}
}

static void words_of_a_member(void **state)
{
	static const char *const none[] = {"b", "[0]"}, *const second[] = {"b", "[2]"};

	assert_int_equal(find("a = {\nb = pkgs[[ x\ny ]] }", second, 2), 3);
	assert_int_equal(find("a = {\nb = pkgs[[ x\ny ]] }", none, 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(words_of_a_member)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
