/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "../../guest/init-params.c"

/* fatal() never returns in the guest; here it comes back to the test. */
static jmp_buf stop;
static char said[256];

void fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	longjmp(stop, 1);
}

void warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
}

static bool parse(const char *text, struct params *ret)
{
	VIV_FREE char *line = viv_strdup(text);

	said[0] = '\0';
	if (setjmp(stop))
		return false;
	params_parse(line, ret);
	return true;
}

static void defaults(void **state)
{
	struct params p;

	assert_true(parse("console=ttyS0 viv.layers=3 quiet", &p));
	assert_int_equal(p.layers, 3);
	assert_int_equal(p.upper, UPPER_MEMORY);
	assert_false(p.none);
	assert_string_equal(p.init, "");
	assert_int_equal(p.timeout, 60);
	assert_false(p.verbose);
}

static void disks(void **state)
{
	struct params p;

	assert_true(parse("viv.layers=1 viv.upper=disk viv.root=xfs viv.base=abc viv.rebase viv.disks=7", &p));
	assert_string_equal(p.root_fs, "xfs");
	assert_string_equal(p.base, "abc");
	assert_true(p.rebase);
	assert_int_equal(p.disks, 7);
	assert_string_equal(p.device, "");
	assert_true(parse("viv.layers=1 viv.upper=disk viv.device=/dev/disk/by-label/a", &p));
	assert_string_equal(p.device, "/dev/disk/by-label/a");
	assert_false(parse("viv.layers=1 viv.upper=disk viv.device=vda", &p));
	assert_false(parse("viv.layers=1 viv.device=/dev/vda", &p));
	assert_false(parse("viv.layers=1 viv.upper=disk viv.root=vfat", &p));
	assert_false(parse("viv.layers=1 viv.upper=memory viv.root=ext4", &p));
	assert_false(parse("viv.layers=1 viv.base=", &p));
}

static void everything(void **state)
{
	struct params p;

	assert_true(parse("viv.layers=64 viv.upper=disk viv.init=none viv.timeout=5 viv.verbose "
			   "viv.network=user", &p));
	assert_int_equal(p.layers, 64);
	assert_int_equal(p.upper, UPPER_DISK);
	assert_true(p.none);
	assert_int_equal(p.timeout, 5);
	assert_true(p.verbose);
	assert_true(p.user_network);
}

static void the_last_one_counts(void **state)
{
	struct params p;

	assert_true(parse("viv.layers=1 viv.init=none viv.init=/bin/x\tviv.layers=2\n", &p));
	assert_int_equal(p.layers, 2);
	assert_false(p.none);
	assert_string_equal(p.init, "/bin/x");
}

static void unknown_ones_are_said(void **state)
{
	struct params p;

	assert_true(parse("viv.layers=1 viv.layer=2", &p));
	assert_string_equal(said, "kernel parameter viv.layer is not known here");
}

static void wrong_ones_end_the_boot(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {
		{"quiet", "the kernel parameter viv.layers is missing"},
		{"viv.layers=0", "kernel parameter viv.layers: expected a number from 1 to 64, got \"0\""},
		{"viv.layers=65",
		 "kernel parameter viv.layers: expected a number from 1 to 64, got \"65\""},
		{"viv.layers=-1",
		 "kernel parameter viv.layers: expected a number from 1 to 64, got \"-1\""},
		{"viv.layers=2x",
		 "kernel parameter viv.layers: expected a number from 1 to 64, got \"2x\""},
		{"viv.layers", "kernel parameter viv.layers: expected a number from 1 to 64, got \"\""},
		{"viv.layers=1 viv.upper=ram",
		 "kernel parameter viv.upper: expected memory, disk or none, got \"ram\""},
		{"viv.layers=1 viv.init=sysv",
		 "kernel parameter viv.init: expected systemd, runit, none or a path, got \"sysv\""},
		{"viv.layers=1 viv.network=eth0",
		 "kernel parameter viv.network: expected user, got \"eth0\""},
		{"viv.layers=1 viv.timeout=0",
		 "kernel parameter viv.timeout: expected a number from 1 to 3600, got \"0\""},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct params p;

		assert_false(parse(rows[i].line, &p));
		assert_string_equal(said, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(disks),
		cmocka_unit_test(the_last_one_counts),
		cmocka_unit_test(unknown_ones_are_said),
		cmocka_unit_test(wrong_ones_end_the_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
