/* SPDX-License-Identifier: MIT */
/* What the machine starts from. */

#include "config/options/area.h"

static const struct viv_option rows[] = {
	{.name = "virtualisation.bios",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .fallback_text = "QEMU's own, SeaBIOS",
	 .example = "\"./bios.bin\"",
	 .text = "The BIOS image that the machine starts with. It matters where the "
		 "machine starts through its boot loader or from a disk."},
	{.name = "virtualisation.bootOrder",
	 .type = VIV_T_TEXT(&viv_rule_boot_order),
	 .fallback = "\"c,d\"",
	 .example = "\"d,c\"",
	 .text = "Where the firmware looks for something to start: c is the machine's own "
		 "disk, d the CD-ROM. An empty disk is passed over."},
	{.name = "virtualisation.cdrom",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .example = "\"./installer.iso\"",
	 .text = "An ISO image, or a drive of the host's, in the machine's CD-ROM drive. Only --cdrom, or "
		 "directBoot.enable = false, also makes it start from there."},
	{.name = "virtualisation.directBoot.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "QEMU is handed the kernel and the initrd. false: the firmware starts "
		 "what is on the disk or the CD-ROM, and nothing of Debian is built: such "
		 "a machine has no agent, so no commands can be run in it."},
	{.name = "virtualisation.directBoot.initrd",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .fallback_text = "the one that is built",
	 .example = "\"./initrd.img\"",
	 .text = "A file to be used as the initrd."},
	{.name = "virtualisation.directBoot.kernel", .alias_of = "boot.kernel"},
	{.name = "virtualisation.efi.firmware",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .fallback_text = "OVMF, where the distribution has it",
	 .example = "\"./OVMF_CODE.fd\"",
	 .text = "The UEFI firmware, for useEFIBoot."},
	{.name = "virtualisation.efi.keepVariables",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "UEFI's variables are kept beside a disk that is kept, as "
		 "<disk>.efi-variables. Those of a fresh disk go with it."},
	{.name = "virtualisation.efi.variables",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .fallback_text = "what comes with the firmware",
	 .example = "\"./OVMF_VARS.fd\"",
	 .text = "The variables that UEFI starts with; a copy is used."},
	{.name = "virtualisation.useBIOSBoot",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .fallback_text = "true unless useEFIBoot",
	 .example = "true",
	 .text = "The machine has a BIOS. It is an error beside useEFIBoot."},
	{.name = "virtualisation.useBootLoader",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "The machine starts as hardware does: its firmware starts GRUB from a "
		 "boot disk, and that the kernel. To test just that."},
	{.name = "virtualisation.useEFIBoot",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "The machine has a UEFI firmware instead of a BIOS."},
	{.name = "virtualisation.useSecureBoot",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "UEFI starts only what is signed with Microsoft's keys or those that its variables "
		 "hold, with useEFIBoot and useBootLoader: shim, Debian's signed GRUB, a signed kernel."},
};

const struct viv_option_area viv_options_firmware = VIV_OPTION_AREA(rows);
