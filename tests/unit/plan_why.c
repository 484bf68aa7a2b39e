/* SPDX-License-Identifier: MIT */

/* What is said of two recipes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "plan/why.h"

static const struct {
	const char *before, *now, *want;
} cases[] = {
	{"{'packages': {'a_1_all': 'x', 'b_1_amd64': 'x', 'c_1_all': 'x', 'd_1_all': 'x'}}",
	 "{'packages': {'a_2_all': 'x', 'b_1_amd64': 'x', 'e_1_all': 'x', 'd_1_all': 'y'}}",
	 "package a 1 -> 2; package c removed; package d 1: another file; package e added"},
	{"{'packages': {'c_1_amd64': 'x'}}", "{'packages': {'c_1_amd64': 'x', 'c_1_i386': 'y'}}",
	 "package c:i386 added"},
	{"{'packages': {'c_1_amd64': 'x', 'c_1_i386': 'y'}}",
	 "{'packages': {'c_2_amd64': 'x', 'c_1_i386': 'y'}}", "package c 1 -> 2"},
	{"null", "{'packages': {'htop_3_amd64': 'x'}, 'format': 3}", "package htop added"},
	{"{'deb': '0123-linux-image-6.12_6.12.41-1_amd64.deb'}",
	 "{'deb': '4567-linux-image-6.12_6.12.43-1_amd64.deb'}",
	 "kernel package linux-image-6.12 6.12.41-1 -> 6.12.43-1"},
	{"{'users': {'paul': 1, 'anna': 1}}", "{'users': {'paul': 2, 'root': 1}}",
	 "users.users.anna removed; users.users.paul changed; users.users.root added"},
	{"{'files': [{'path': 'etc/motd', 'sha256': 'a'}]}",
	 "{'files': [{'path': 'etc/motd', 'sha256': 'b'}, {'path': 'etc/new', 'sha256': 'b'}]}",
	 "etc/motd changed; etc/new added"},
	{"{'kernelParams': ['a', 'b']}", "{'kernelParams': ['b', 'a']}",
	 "order of kernel parameters"},
	{"{'kernelParams': ['a']}", "{'kernelParams': ['a', 'b']}", "kernel parameter b added"},
	{"{'builder': 'etc 1', 'mkfs': '1.5'}", "{'builder': 'etc 2', 'mkfs': '1.8'}",
	 "builder version etc 1 -> etc 2; mkfs.erofs 1.5 -> 1.8"},
	{"{'format': 1}", "{'format': 2}", "builder version 1 -> 2"},
	{"{'modules': '0-m', 'kernel': '0-k'}", "{'modules': '1-m', 'kernel': '1-k'}",
	 "modules changed; the kernel changed"},
	{"{'unpack': ['a', 'b']}", "{'unpack': ['b', 'a']}", "order of installation"},
};

static void compare(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_FREE char *a = viv_strdup(cases[i].before), *b = viv_strdup(cases[i].now);
		VIV_JSON *before = NULL, *now = NULL;
		VIV_STRV got = VIV_STRV_INIT;
		VIV_FREE char *text = NULL;

		for (char *p = a; (p = strchr(p, '\'')); p++)
			*p = '"';
		for (char *p = b; (p = strchr(p, '\'')); p++)
			*p = '"';
		before = json_loads(a, JSON_DECODE_ANY, NULL);
		now = json_loads(b, 0, NULL);
		assert_non_null(now);
		viv_why_compare(json_is_null(before) ? NULL : before, now, &got);
		text = viv_strv_join(&got, "; ");
		assert_string_equal(text, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(compare)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
