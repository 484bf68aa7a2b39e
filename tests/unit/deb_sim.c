/* SPDX-License-Identifier: MIT */
#include "deb/records.h"
#include "unit.h"

static void steps(void **state)
{
	static const char text[] =
		"Reading package lists...\n"
		"Inst libc6 (2.41-12 Debian:13.7/stable, Debian-Security:13/stable-security [amd64]) []\n"
		"Inst htop [3.3-1] (3.4.1-5 Debian:13.7/stable [amd64])\n"
		"Conf libc6 (2.41-12 Debian:13.7/stable [amd64])\n"
		"Remv nano [8.4-1]\n"
		"Inst odd (1.0 localhost [all])\n";
	static const struct viv_sim_step expected[] = {
		{VIV_SIM_UNPACK, "libc6", "2.41-12", "Debian", "stable", false},
		{VIV_SIM_UNPACK, "htop", "3.4.1-5", "Debian", "stable", true},
		{VIV_SIM_CONFIGURE, "libc6", "2.41-12", "Debian", "stable", false},
		{VIV_SIM_REMOVE, "nano", "8.4-1", "", "", true},
		{VIV_SIM_UNPACK, "odd", "1.0", "", "", false},
	};
	VIV_CLEANUP(viv_sim_free) struct viv_sim s = {0};

	assert_int_equal(viv_sim_parse(text, sizeof(text) - 1, &s, NULL), 0);
	assert_int_equal(s.n, VIV_ARRAY_SIZE(expected));
	for (size_t i = 0; i < s.n; i++) {
		assert_int_equal(s.steps[i].kind, expected[i].kind);
		assert_string_equal(s.steps[i].name, expected[i].name);
		assert_string_equal(s.steps[i].version, expected[i].version);
		assert_string_equal(s.steps[i].label, expected[i].label);
		assert_string_equal(s.steps[i].archive, expected[i].archive);
		assert_int_equal(s.steps[i].upgrade, expected[i].upgrade);
	}
}

static void odd_lines(void **state)
{
	static const char *const rows[] = {"Inst ", "Inst x", "Inst x (", "Conf x y", "Remv x", "Inst  (1)"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct viv_sim s = {0};

		assert_int_equal(viv_sim_parse(rows[i], strlen(rows[i]), &s, NULL), -EINVAL);
	}
}

static void stanzas(void **state)
{
	static const char text[] = "Package: b\nVersion: 1\nDepends: x,\n y\n\n\n\n"
				   "Package: a\nVersion: 2:1~x\nSHA256:  abc \n\nGarbage: yes\n";
	VIV_CLEANUP(viv_records_free) struct viv_records r = {0};
	const char *a;

	viv_records_add(&r, viv_slice(text));
	assert_int_equal(r.n, 2);
	a = viv_records_find(&r, "a", "2:1~x");
	assert_non_null(a);
	assert_true(viv_slice_eq(viv_record_field(a, "SHA256"), "abc"));
	assert_true(viv_slice_eq(viv_record_field(a, "Depends"), ""));
	assert_null(viv_records_find(&r, "a", "1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),
		cmocka_unit_test(odd_lines),
		cmocka_unit_test(stanzas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
