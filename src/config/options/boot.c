/* SPDX-License-Identifier: MIT */
/* How the system inside starts. */

#include "config/options/area.h"

static const struct viv_option rows[] = {
	{.name = "boot.consoleLogLevel",
	 .type = VIV_T_INT(0, 8),
	 .fallback = "4",
	 .example = "7",
	 .text = "Kernel messages more important than this are shown on the console."},
	{.name = "boot.initrd.availableKernelModules",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_module)),
	 .fallback = "[]",
	 .example = "{ \"nvme\" }",
	 .text = "Modules put into the initrd, loaded if the hardware asks for them. Those that "
		 "the "
		 "machine itself needs to find its root are there anyway."},
	{.name = "boot.initrd.kernelModules",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_module)),
	 .fallback = "[]",
	 .example = "{ \"dm-mod\" }",
	 .text = "Modules put into the initrd and loaded there."},
	{.name = "boot.kernel",
	 .type = VIV_T_NULL_OR(VIV_T_PACKAGE),
	 .fallback = "null",
	 .fallback_text = "the cloud kernel where it has what the machine needs",
	 .example = "\"linux-image-amd64\"",
	 .text = "The package of the kernel."},
	{.name = "boot.kernelModules",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_module)),
	 .fallback = "[]",
	 .example = "{ \"loop\" }",
	 .text = "Modules loaded while the system starts."},
	{.name = "boot.kernelParams",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_word)),
	 .fallback = "[]",
	 .example = "{ \"console=ttyS0,115200n8\", \"panic=-1\" }",
	 .text = "Words added to the kernel's command line."},
};

const struct viv_option_area viv_options_boot = VIV_OPTION_AREA(rows);
