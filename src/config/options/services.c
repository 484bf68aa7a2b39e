/* SPDX-License-Identifier: MIT */
/* Services of the system inside. */

#include "config/options/area.h"

static const struct viv_option rows[] = {
	{.name = "services.openssh.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .inits = VIV_INIT_SYSTEMD | VIV_INIT_RUNIT,
	 .text = "Run an ssh server. Its host keys are made when it first starts."},
	{.name = "services.openssh.openFirewall",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "With networking.firewall the server's ports are open."},
	{.name = "services.openssh.ports",
	 .type = VIV_T_LIST(VIV_T_INT(1, 65535)),
	 .fallback = "[]",
	 .fallback_text = "22",
	 .example = "{ 2022 }",
	 .text = "The ports that it listens on."},
	{.name = "services.openssh.settings",
	 .type = VIV_T_SET(&viv_rule_variable, "<keyword>",
			   VIV_T_EITHER(VIV_T_BOOL, VIV_T_EITHER(VIV_T_INT(0, 1 << 30), VIV_T_TEXT(&viv_rule_line)))),
	 .fallback = "{}",
	 .example = "{ PasswordAuthentication = false }",
	 .text = "Settings of sshd_config(5)."},
};

const struct viv_option_area viv_options_services = VIV_OPTION_AREA(rows);
