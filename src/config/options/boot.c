/* SPDX-License-Identifier: MIT */
/* How the system inside starts. */

#include "config/options/area.h"

static const struct viv_option required_fields[] = {
	{.name = "name",
	 .type = VIV_T_TEXT(&viv_rule_kconfig),
	 .fallback = "\"\"",
	 .fallback_text = "none: it must be given",
	 .example = "\"VIRTIO_BLK\"",
	 .text = "The name, without CONFIG_ in front."},
	{.name = "state",
	 .type = VIV_T_ENUM("yes", "module", "enabled", "no"),
	 .fallback = "\"enabled\"",
	 .example = "\"yes\"",
	 .text = "What it must be."},
};

static const struct viv_option patch_fields[] = {
	{.name = "name",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_line)),
	 .fallback = "null",
	 .fallback_text = "the patch's file name",
	 .example = "\"slow-timer\"",
	 .text = "What it is called in messages."},
	{.name = "patch",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .fallback_text = "none: it just changes the configuration",
	 .example = "\"./slow-timer.patch\"",
	 .text = "The file, for patch -p1."},
	{.name = "extraConfig",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .example = "\"DEBUG_LIST y\"",
	 .text = "Settings, a line each: \"NAME y\", \"CONFIG_NAME=y\" or \"# CONFIG_NAME is not set\". That they come true is "
		 "checked; with \"NAME? y\" it is not."},
	{.name = "structuredExtraConfig",
	 .type = VIV_T_SET(&viv_rule_kconfig, "name",
			   VIV_T_EITHER(VIV_T_BOOL, VIV_T_EITHER(VIV_T(.kind = VIV_TYPE_INT), VIV_T_TEXT(&viv_rule_line)))),
	 .fallback = "{}",
	 .example = "{ DEBUG_LIST = true, XFS_FS = \"m\" }",
	 .text = "The same as a set: true, false, \"m\", a number, or a value as it stands in .config."},
};

static const struct viv_option rows[] = {
	{.name = "boot.blacklistedKernelModules",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_module)),
	 .fallback = "[]",
	 .example = "{ \"pcspkr\" }",
	 .text = "Modules that are not loaded because hardware asks for them, neither in the initrd nor later. By its "
		 "name (modprobe) one can still be loaded. What the machine needs to find its root can't be named."},
	{.name = "boot.consoleLogLevel",
	 .type = VIV_T_INT(0, 8),
	 .fallback = "4",
	 .example = "7",
	 .text = "Kernel messages more important than this are shown on the console."},
	{.name = "boot.crashDump.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "A second kernel waits in memory of its own: when the machine's panics, it copies all memory out, and "
		 "`viv run` writes that to <hostName>.vmcore in the current folder (--crash-dump), `viv test` to the "
		 "test's results, for crash(8), makedumpfile(8), gdb."},
	{.name = "boot.crashDump.reservedMemory",
	 .type = VIV_T_SIZE(96, 4096),
	 .fallback = "160",
	 .example = "\"256M\"",
	 .text = "How much of the machine's memory that kernel has."},
	{.name = "boot.extraModulePackages",
	 .type = VIV_T_LIST(VIV_T_EITHER(VIV_T_PACKAGE, VIV_T_PATH)),
	 .fallback = "[]",
	 .example = "{ \"./my-driver/my-driver.ko\", pkgs[\"my-driver\"] }",
	 .text = "More modules for this very kernel: .ko files, folders that hold some, or packages from source that make "
		 "some, which are built with the kernel's headers (docs/packages.md). They come before the kernel's own of the "
		 "same name. Nothing else of such a package gets into the machine."},
	{.name = "boot.initrd.availableKernelModules",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_module)),
	 .fallback = "[]",
	 .example = "{ \"nvme\" }",
	 .text = "Modules put into the initrd, loaded if the hardware asks for them; one that the kernel has not got is left "
		 "out. Those that the machine itself needs to find its root are there anyway."},
	{.name = "boot.initrd.kernelModules",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_module)),
	 .fallback = "[]",
	 .example = "{ \"dm-mod\" }",
	 .text = "Modules put into the initrd and loaded there."},
	{.name = "boot.kernel",
	 .type = VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_PACKAGE, VIV_T_PATH)),
	 .fallback = "null",
	 .fallback_text = "the cloud kernel where it has what the machine needs",
	 .example = "\"linux-image-amd64\"",
	 .text = "The kernel: the name of a package; or the path of a kernel tree, which must be built (its bzImage, "
		 "configuration and modules are taken from it as they are, nothing is installed or changed there); or "
		 "of a file, bzImage or vmlinux, which has no modules but those of boot.kernelModulesTree."},
	{.name = "boot.kernelModules",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_module)),
	 .fallback = "[]",
	 .example = "{ \"loop\" }",
	 .text = "Modules loaded while the system starts. One that the kernel has not got is an error."},
	{.name = "boot.kernelModulesTree",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .fallback_text = "a tree's own; a file has none",
	 .example = "\"./install/lib/modules/6.12.1\"",
	 .text = "A folder of modules for boot.kernel, where that is a file or a tree: one as in /lib/modules, or what "
		 "`make modules_install` had as INSTALL_MOD_PATH."},
	{.name = "boot.kernelPackages", .alias_of = "boot.kernel"},
	{.name = "boot.kernelParams",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_word)),
	 .fallback = "[]",
	 .example = "{ \"console=ttyS0,115200n8\", \"panic=-1\" }",
	 .text = "Words added to the kernel's command line."},
	{.name = "boot.kernelPatches",
	 .type = VIV_T_LIST(VIV_T_EITHER(VIV_T_SUBMODULE(patch_fields), VIV_T_PATH)),
	 .fallback = "[]",
	 .example = "{ \"./fix.patch\", { name = \"lists\", extraConfig = \"DEBUG_LIST y\" } }",
	 .text = "Patches for the kernel, or settings of its configuration: it is then built from source, as boot.kernel's "
		 "package is configured, from Debian's source of the same version; where boot.kernel is a tree, from a copy "
		 "of that. A patch is a file, or a set. What was compiled is kept: after a change only what it concerns is "
		 "compiled again."},
	{.name = "boot.postBootCommands",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .example = "\"echo 'Not much to do before systemd :)' > /dev/kmsg\"",
	 .text = "Shell commands, run as root when the root is mounted and before the init system starts. What they "
		 "print goes to the console. The start waits for them. A command that fails does not end them; that the last "
		 "one failed is said by `viv run`, and the start goes on."},
	{.name = "kernel.baseConfig",
	 .type = VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_ENUM("allnoconfig", "defconfig", "tinyconfig"), VIV_T_PATH)),
	 .fallback = "null",
	 .fallback_text = "the configuration of boot.kernel's package, or the tree's .config",
	 .example = "\"./my.config\"",
	 .text = "A whole configuration that the kernel is built with instead: a file, or what make in the kernel's tree "
		 "calls so. With it the kernel is built from source."},
	{.name = "kernel.config",
	 .type = VIV_T_LIST(VIV_T_PATH),
	 .fallback = "[]",
	 .example = "{ \"./debug.config\" }",
	 .text = "Files with settings on top of the configuration and of what boot.kernelPatches bring, written as in .config "
		 "or in boot.kernelPatches; of two for one name the last counts. With any the kernel is built from source."},
	{.name = "kernel.tree", .alias_of = "boot.kernel"},
	{.name = "system.requiredKernelConfig",
	 .type = VIV_T_LIST(VIV_T_SUBMODULE(required_fields)),
	 .fallback = "[]",
	 .example = "{ isYes \"BLK_DEV\", isEnabled \"XFS_FS\", isNo \"DEBUG_KMEMLEAK\" }",
	 .text = "What the kernel must be configured with: isYes (built in), isModule, isEnabled (either), isNo. A "
		 "machine whose kernel lacks something is not started. What every machine needs is checked anyway."},
};

const struct viv_option_area viv_options_boot = VIV_OPTION_AREA(rows);
