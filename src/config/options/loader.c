/* SPDX-License-Identifier: MIT */
/* The boot loader, with virtualisation.useBootLoader. */

#include "config/options/area.h"

static const struct viv_option rows[] = {
	{.name = "boot.loader.grub.device",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_line)),
	 .fallback = "null",
	 .example = "\"/dev/sda\"",
	 .text = "The disk that GRUB is written to where this system is installed on hardware. Under "
		 "viv it has no effect: there a machine with a boot loader has a disk of its own for it."},
	{.name = "boot.loader.grub.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "GRUB is the boot loader, unless it is systemd-boot."},
	{.name = "boot.loader.grub.extraConfig",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .example = "\"set menu_color_normal=cyan/black\"",
	 .text = "Lines of GRUB's configuration, before its menu entries."},
	{.name = "boot.loader.grub.extraEntries",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .example = "\"menuentry 'Power off' { halt }\"",
	 .text = "Further menu entries, after the system's."},
	{.name = "boot.loader.systemd-boot.consoleMode",
	 .type = VIV_T_ENUM("0", "1", "2", "5", "auto", "max", "keep"),
	 .fallback = "\"keep\"",
	 .example = "\"max\"",
	 .text = "The screen's resolution, as loader.conf(5) has it."},
	{.name = "boot.loader.systemd-boot.editor",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "Whether the kernel's command line can be edited in the menu."},
	{.name = "boot.loader.systemd-boot.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "systemd-boot is the boot loader; needs UEFI (virtualisation.useEFIBoot)."},
	{.name = "boot.loader.timeout",
	 .type = VIV_T_INT(0, 3600),
	 .fallback = "0",
	 .example = "5",
	 .text = "Seconds that the boot loader shows its menu, with "
		 "virtualisation.useBootLoader."},
};

const struct viv_option_area viv_options_loader = VIV_OPTION_AREA(rows);
