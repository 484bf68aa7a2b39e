/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kernel/kconfig.h"
#include "unit.h"

/* What is read one after the other; the lines of .config; those that must come true. */
static const struct {
	const char *first, *second, *lines, *checked;
} rows[] = {
	{"CONFIG_XFS_FS=m", "", "CONFIG_XFS_FS=m\n", "CONFIG_XFS_FS=m\n"},
	{"XFS_FS m", "", "CONFIG_XFS_FS=m\n", "CONFIG_XFS_FS=m\n"},
	{"  XFS_FS\ty  ", "", "CONFIG_XFS_FS=y\n", "CONFIG_XFS_FS=y\n"},
	{"XFS_FS=y", "", "CONFIG_XFS_FS=y\n", "CONFIG_XFS_FS=y\n"},
	{"XFS_FS n", "", "# CONFIG_XFS_FS is not set\n", "# CONFIG_XFS_FS is not set\n"},
	{"# CONFIG_XFS_FS is not set", "", "# CONFIG_XFS_FS is not set\n", "# CONFIG_XFS_FS is not set\n"},
	{"XFS_FS? y", "", "CONFIG_XFS_FS=y\n", ""},
	{"XFS_FS? y", "XFS_FS m", "CONFIG_XFS_FS=m\n", "CONFIG_XFS_FS=m\n"},
	{"B y\nA 12\n", "B n", "CONFIG_A=12\n# CONFIG_B is not set\n", "CONFIG_A=12\n# CONFIG_B is not set\n"},
	{"CONFIG_LOCALVERSION=\"-a b\"", "", "CONFIG_LOCALVERSION=\"-a b\"\n", "CONFIG_LOCALVERSION=\"-a b\"\n"},
	{"CONFIG_64BIT=y\r\n", "", "CONFIG_64BIT=y\n", "CONFIG_64BIT=y\n"},
	{"# a comment\n#CONFIG_A is not set\n\n", "", "", ""},
};

static void reads(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_kconfig_free) struct viv_kconfig c = viv_kconfig_new();
		VIV_STR all = VIV_STR_INIT, checked = VIV_STR_INIT;

		assert_int_equal(viv_kconfig_read(&c, rows[i].first, "x", NULL), 0);
		assert_int_equal(viv_kconfig_read(&c, rows[i].second, "x", NULL), 0);
		viv_kconfig_write(&c, false, &all);
		viv_kconfig_write(&c, true, &checked);
		assert_string_equal(all.data ? all.data : "", rows[i].lines);
		assert_string_equal(checked.data ? checked.data : "", rows[i].checked);
	}
}

static void refuses(void **state)
{
	static const char *const bad[] = {"XFS_FS", "CONFIG_XFS_FS y", "XFS-FS y", "= y", "CONFIG_=y", "XFS_FS=", "y",
					  "A b c", "XFS_FS \x01", "XFS_FS \xff", "is not set"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(bad); i++) {
		VIV_CLEANUP(viv_kconfig_free) struct viv_kconfig c = viv_kconfig_new();
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(viv_kconfig_read(&c, bad[i], "vm.lua:3", &err), -EINVAL);
		assert_true(viv_starts_with(err.msg, "vm.lua:3: \""));
		assert_int_equal(json_object_size(c.settings), 0);
	}
}

static void sets(void **state)
{
	VIV_CLEANUP(viv_kconfig_free) struct viv_kconfig c = viv_kconfig_new();
	VIV_JSON *values = json_pack("{s:b, s:b, s:s, s:i, s:s}", "A", true, "B", false, "C", "m", "D", 7, "E", "\"x\"");
	VIV_STR all = VIV_STR_INIT;
	const char *name;
	json_t *v;

	json_object_foreach(values, name, v)
		viv_kconfig_set(&c, name, v);
	viv_kconfig_write(&c, true, &all);
	assert_string_equal(all.data, "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\nCONFIG_D=7\nCONFIG_E=\"x\"\n");
	assert_true(viv_kconfig_has(&c, "A"));
	assert_false(viv_kconfig_has(&c, "Z"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
