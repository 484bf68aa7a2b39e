/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "plan/needs.h"

/* A kernel that has everything; rows take something away. */
static const char *const everything[] = {
	"BLK_DEV", "BLK_DEV_INITRD", "BINFMT_ELF", "DEVTMPFS", "EROFS_FS", "INET", "NETDEVICES", "NET_CORE",
	"OVERLAY_FS", "PCI", "PROC_FS", "SQUASHFS", "SQUASHFS_ZSTD", "SYSFS", "TMPFS", "UNIX", "VIRTIO_BLK",
	"VIRTIO_CONSOLE", "VIRTIO_NET", "VIRTIO_PCI", "EXT4_FS", "XFS_FS", "BTRFS_FS", "SERIAL_8250",
	"SERIAL_8250_CONSOLE", "CRASH_DUMP", "KEXEC_FILE", "PROC_VMCORE", "CGROUPS", "EPOLL", "FHANDLE",
	"INOTIFY_USER", "SIGNALFD", "TIMERFD", "NF_TABLES", "NF_TABLES_INET", "NFT_CT", "PROC_SYSCTL", "SWAP", "ZRAM",
};

#define MINIMAL "system.root = \"minimal\"\nsystem.init = \"none\"\n"
#define DISK	"virtualisation.diskImage = \"./x.img\"\n"

/* A machine file; what the kernel lacks; whether the machine needs that. */
static const struct {
	const char *lua, *lacks;
	bool needed;
} rows[] = {
	{"", "EROFS_FS", true},
	{"", "OVERLAY_FS", true},
	{"", "SQUASHFS", false},
	{MINIMAL, "EROFS_FS", false},
	{MINIMAL, "OVERLAY_FS", true},
	{MINIMAL "virtualisation.writableStore = false\nvirtualisation.diskImage = null", "OVERLAY_FS", false},
	{MINIMAL, "SQUASHFS", true},
	{MINIMAL, "SQUASHFS_ZSTD", true},
	{"virtualisation.diskImage = null", "EXT4_FS", false},
	{DISK, "EXT4_FS", true},
	{DISK, "XFS_FS", false},
	{DISK "virtualisation.rootFileSystem = \"xfs\"", "EXT4_FS", false},
	{DISK "virtualisation.rootFileSystem = \"xfs\"", "XFS_FS", true},
	{DISK "virtualisation.rootFileSystem = \"btrfs\"", "BTRFS_FS", true},
	{"", "NF_TABLES", false},
	{"networking.firewall.enable = true", "NF_TABLES", true},
	{"networking.firewall.enable = true", "NF_TABLES_INET", true},
	{"networking.firewall.enable = true", "NFT_CT", true},
	{"", "SWAP", false},
	{"swapDevices = { { device = \"/dev/vdb\" } }", "SWAP", true},
	{"swapDevices = { { device = \"/dev/vdb\" } }", "ZRAM", false},
	{"zramSwap.enable = true", "SWAP", true},
	{"zramSwap.enable = true", "ZRAM", true},
	{"", "PROC_SYSCTL", false},
	{"boot.sysctl = { [\"vm.swappiness\"] = 7 }", "PROC_SYSCTL", true},
	{"", "CGROUPS", true},
	{"system.init = \"none\"", "CGROUPS", false},
};

static void table(void **state VIV_UNUSED)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_FREE char *name = viv_asprintf("\tCONFIG_%s must", rows[i].lacks);
		VIV_STR kernel = VIV_STR_INIT;
		VIV_ERROR err = VIV_ERROR_INIT;
		int r;

		test_good_machine(rows[i].lua, &c);
		for (size_t k = 0; k < VIV_ARRAY_SIZE(everything); k++)
			if (!viv_streq(everything[k], rows[i].lacks))
				viv_str_addf(&kernel, "CONFIG_%s=y\n", everything[k]);
		r = viv_kernel_needs(c, kernel.data, false, NULL, &err);
		if ((r < 0) != rows[i].needed || (r < 0 && !strstr(err.msg, name)))
			fail_msg("%zu: %s: %d %s", i, rows[i].lacks, r, r < 0 ? err.msg : "");
	}
}

/* What functions make is checked like any other; its place is the function's. */
static void items_have_their_own_lines(void **state VIV_UNUSED)
{
	static const char lua[] = "system.init = \"none\"\n"
				  "system.requiredKernelConfig = {\n"
				  "\tisYes \"PCI\",\n"
				  "\tisEnabled \"FOO\", isNo \"UNIX\",\n"
				  "\n"
				  "\tisModule \"BAR\",\n"
				  "\tfunction(config) return { name = \"ITEM_FN\", state = \"yes\" } end,\n"
				  "\tisModule \"BAZ\",\n"
				  "}\n"
				  "mkIf(ref \"virtualisation.writableStore\", function()\n"
				  "\tsystem.requiredKernelConfig = function(config)\n"
				  "\t\treturn { isYes \"LIST_FN\", { name = \"UNIX\", state = \"module\" } } end\n"
				  "end)\n";
	static const char *const said[][2] = {{"CONFIG_FOO must be y or m, and is not set: ", "vm.lua:4: "},
					      {"CONFIG_UNIX must not be set, and is y: ", "vm.lua:4: "},
					      {"CONFIG_BAR must be m, and is not set: ", "vm.lua:6: "},
					      {"CONFIG_ITEM_FN must be y, and is not set: ", "vm.lua:7: "},
					      {"CONFIG_BAZ must be m, and is not set: ", "vm.lua:8: "},
					      {"CONFIG_LIST_FN must be y, and is not set: ", "vm.lua:11: "},
					      {"CONFIG_UNIX must be m, and is y: ", "vm.lua:11: "}};
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_STR kernel = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	test_good_machine(lua, &c);
	for (size_t k = 0; k < VIV_ARRAY_SIZE(everything); k++)
		viv_str_addf(&kernel, "CONFIG_%s=y\n", everything[k]);
	assert_true(viv_kernel_needs(c, kernel.data, false, NULL, &err) < 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(said); i++) {
		const char *line = strstr(err.msg, said[i][0]), *place = line ? strstr(line, said[i][1]) : NULL;

		if (!place || memchr(line, '\n', (size_t)(place - line)))
			fail_msg("%s%s is not in %s", said[i][0], said[i][1], err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(items_have_their_own_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
