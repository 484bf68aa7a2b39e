/* SPDX-License-Identifier: MIT */

/* Which option it was that asked for what is not there. */

#include "machine.h"

#include "plan/whose.h"

static const char text[] =
	"environment.systemPackages = {\n"
	"\t\"htop\",\n"
	"\t\"tmux=9\",\n"
	"}\n"
	"boot.kernel = \"linux-image-x\"\n"
	"users.users[\"a-b\"] = { isNormalUser = true, packages = { \"of-user\" } }\n"
	"systemd.services.foo = { script = \"true\", path = { \"of-path\" } }\n"
	"boot.initrd.kernelModules = {\n"
	"\t\"one\", \"other\" }\n";

static void packages(void **state VIV_UNUSED)
{
	static const char *const rows[][2] = {
		{"htop", "vm.lua:1: environment.systemPackages"},
		{"tmux", "vm.lua:1: environment.systemPackages"},
		{"tmu", NULL},
		{"linux-image-x", "vm.lua:5: boot.kernel"},
		{"of-user", "vm.lua:6: users.users[\"a-b\"].packages"},
		{"of-path", "vm.lua:7: systemd.services.foo.path"},
		{"systemd", NULL},
	};
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;

	test_good_machine(text, &c);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *whose = viv_whose_package(c, rows[i][0]);

		if (!viv_streq(whose ? whose : "", rows[i][1] ? rows[i][1] : ""))
			fail_msg("%s: %s", rows[i][0], whose);
	}
}

static void modules(void **state VIV_UNUSED)
{
	static const char *const rows[][2] = {
		{"the kernel has no module other", "vm.lua:8: boot.initrd.kernelModules: the kernel has no module other"},
		{"the kernel has no module one (did you mean done?)",
		 "vm.lua:8: boot.initrd.kernelModules: the kernel has no module one (did you mean done?)"},
		{"the kernel has no module overlay", "the kernel has no module overlay"},
		{"something else", "something else"},
	};
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;

	test_good_machine(text, &c);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_ERROR err = VIV_ERROR_INIT;

		viv_error_say(&err, ENOENT, "%s", rows[i][0]);
		assert_int_equal(viv_whose_module(c, &err), -ENOENT);
		assert_string_equal(err.msg, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages),
		cmocka_unit_test(modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
