/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "kernel/kconfig.h"
#include "plan/kernel.h"

/* The line of the one that sets nothing. */
static const struct {
	const char *lua, *place;
} rows[] = {
	{"boot.kernelPatches = { { extraConfig = \"A y\" } }\n\n\n\nboot.kernelPatches = {\n{ extraConfig = \"A-B y\" } }\n",
	 "vm.lua:6: "},
	{"boot.kernelPatches = { { extraConfig = \"A y\" },\n{ name = \"x\", extraConfig = \"A-B y\" } }\n", "vm.lua:2: "},
	{"boot.kernelPatches = { \"./p.patch\",\n{ extraConfig = \"A-B y\" } }\n", "vm.lua:2: "},
	{"boot.kernelPatches = mkAfter{ { extraConfig = \"A y\" } }\n"
	 "boot.kernelPatches = mkBefore{ \"./p.patch\",\n{ extraConfig = \"A-B y\" } }\n", "vm.lua:3: "},
	{"\nboot.kernelPatches = function(config)\nreturn { { extraConfig = \"A-B y\" } } end\n", "vm.lua:2: "},
};

static void places(void **state VIV_UNUSED)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_CLEANUP(viv_kconfig_free) struct viv_kconfig k = viv_kconfig_new();
		VIV_JSON *patches = json_array(), *where = json_array();
		VIV_ERROR err = VIV_ERROR_INIT;

		test_good_machine(rows[i].lua, &c);
		assert_int_equal(viv_kernel_settings(c, &k, patches, where, &err), -EINVAL);
		if (!strstr(err.msg, rows[i].place))
			fail_msg("%zu: %s", i, err.msg);
	}
}

/* Only what is named is the user's. */
static void defaults(void **state VIV_UNUSED)
{
	static const char *const said[][2] = {
		{"", "# CONFIG_MODULE_SIG_ALL is not set\nCONFIG_MODULE_SIG_KEY=\"\"\n"},
		{"MODULE_SIG_ALL y\n", "CONFIG_MODULE_SIG_ALL=y\nCONFIG_MODULE_SIG_KEY=\"\"\n"},
		{"MODULE_SIG_KEY \"k\"\n", "# CONFIG_MODULE_SIG_ALL is not set\nCONFIG_MODULE_SIG_KEY=\"k\"\n"},
		{"MODULE_SIG n\n", "# CONFIG_MODULE_SIG is not set\n# CONFIG_MODULE_SIG_ALL is not set\n"
				   "CONFIG_MODULE_SIG_KEY=\"\"\n"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(said); i++) {
		VIV_CLEANUP(viv_kconfig_free) struct viv_kconfig k = viv_kconfig_new();
		VIV_STR lines = VIV_STR_INIT;

		assert_int_equal(viv_kconfig_read(&k, said[i][0], "x", NULL), 0);
		viv_kernel_settings_default(&k, false);
		viv_kconfig_write(&k, false, &lines);
		assert_string_equal(lines.data, said[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
