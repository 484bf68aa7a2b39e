/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "test/missing.h"

static void check(int status, const char *err, const char *program)
{
	VIV_FREE char *got = viv_test_missing(status, viv_slice(err));

	if (program)
		assert_non_null(got);
	else
		assert_null(got);
	if (program)
		assert_string_equal(got, program);
}

static void test_shells(void **state)
{
	check(127, "sh: 2: eval: ip: not found\n", "ip");
	check(127, "sh: 2: ip: not found", "ip");
	check(127, "sh: eval: line 1: no-such-command: not found\n", "no-such-command");
	check(127, "first\nbash: line 1: curl: command not found\n", "curl");
	check(127, "sh: 1: exec: /usr/sbin/tcpdump: not found\n", "/usr/sbin/tcpdump");
	check(127, "bash: line 1: /opt/x: No such file or directory\n", "/opt/x");
	check(127, "timeout: failed to run command ‘curl’: No such file or directory\n", "curl");
	check(127, "env: 'python3': No such file or directory\n", "python3");
}

static void test_pipes(void **state)
{
	check(1, "sh: 1: eval: curl: not found\n", "curl");
	check(1, "sudo: curl: command not found\n", "curl");
	check(1, "sh: 1: eval: something: not found\n", NULL);
	check(1, "cat: file: No such file or directory\n", NULL);
	check(0, "sh: 1: eval: curl: not found\n", NULL);
}

static void test_others(void **state)
{
	check(127, "", NULL);
	check(127, "\n", NULL);
	check(127, ": not found", NULL);
	check(127, "curl: not found\nsomething else\n", NULL);
	check(127, "x: ': not found", "'");
}

/* A guest writes what it likes: a name is kept, and told. */
static void test_no_names(void **state)
{
	VIV_FREE char *name = viv_asprintf("%0255d", 0), *longest = viv_asprintf("sh: 1: %s: not found\n", name);
	VIV_FREE char *longer = viv_asprintf("sh: 1: 0%s: not found\n", name), *much = viv_asprintf("%010000d: curl: not found", 0);

	check(127, longest, name);
	check(127, longer, NULL);
	check(127, much, NULL);
	check(127, "sh: 1: what the guest says: not found\n", NULL);
	check(127, "a\tb: not found\n", NULL);
	check(127, "a\033[1m: not found\n", NULL);
}

static void test_hint(void **state)
{
	VIV_FREE char *hint = viv_test_package_hint("/usr/bin/ss");

	assert_string_equal(hint, "Debian's package iproute2 has ss: environment.systemPackages = { \"iproute2\" }");
	assert_null(viv_test_package_hint("no-such-command"));
	assert_null(viv_test_package_of(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shells),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
