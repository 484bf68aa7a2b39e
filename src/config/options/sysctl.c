/* SPDX-License-Identifier: MIT */
/* Settings of the running kernel, and /tmp. */

#include "config/options/area.h"

static const struct viv_option rows[] = {
	{.name = "boot.sysctl",
	 .type = VIV_T_SET(&viv_rule_sysctl, "<name>",
			   VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_BOOL, VIV_T_EITHER(VIV_T_INT(0, 0),
									       VIV_T_TEXT(&viv_rule_line))))),
	 .fallback = "{}",
	 .example = "{ [\"net.ipv4.ip_forward\"] = true }",
	 .text = "Settings of the kernel, as sysctl(8) names them; null leaves one as it is. NixOS calls this "
		 "boot.kernel.sysctl; here boot.kernel is the kernel itself, which nothing can be within. Without "
		 "systemd they are set by the kernel as it starts, so those of modules are not there yet, and a value "
		 "can't hold a quote."},
	{.name = "boot.tmp.cleanOnBoot",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .inits = VIV_INIT_SYSTEMD,
	 .text = "Empty /tmp when the machine starts: for one on a disk that is kept."},
	{.name = "boot.tmp.tmpfsSize",
	 .type = VIV_T_EITHER(VIV_T_INT(1, 1 << 30), VIV_T_TEXT(&viv_rule_tmpfs_size)),
	 .fallback = "\"50%\"",
	 .example = "\"2G\"",
	 .text = "How large /tmp may grow with boot.tmp.useTmpfs: a share of the memory, or a size (a number is bytes)."},
	{.name = "boot.tmp.useTmpfs",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .fallback_text = "false; Debian 13's systemd has /tmp in memory anyway",
	 .example = "true",
	 .inits = VIV_INIT_SYSTEMD,
	 .text = "Keep /tmp in memory. Without systemd `fileSystems[\"/tmp\"] = { fsType = \"tmpfs\" }` does that."},
};

const struct viv_option_area viv_options_sysctl = VIV_OPTION_AREA(rows);
