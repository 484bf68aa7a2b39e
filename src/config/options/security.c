/* SPDX-License-Identifier: MIT */
/* Who may do what, and whom the machine trusts. */

#include "config/options/area.h"

static const struct viv_option command_fields[] = {
	{.name = "command",
	 .type = VIV_T_TEXT(&viv_rule_sudo_command),
	 .fallback = "\"ALL\"",
	 .example = "\"/usr/bin/systemctl restart nginx\"",
	 .text = "A program's path, with arguments where only these are meant; ALL is every one. Patterns are those of "
		 "sudoers(5), a backslash takes a character as it is; , : = and # need none."},
	{.name = "options",
	 .type = VIV_T_LIST(VIV_T_ENUM("NOPASSWD", "PASSWD", "NOEXEC", "EXEC", "SETENV", "NOSETENV", "LOG_INPUT",
				       "NOLOG_INPUT", "LOG_OUTPUT", "NOLOG_OUTPUT", "FOLLOW", "NOFOLLOW", "MAIL",
				       "NOMAIL")),
	 .fallback = "[]",
	 .example = "{ \"NOPASSWD\" }",
	 .text = "Tags of sudoers(5)."},
};

static const struct viv_option rule_fields[] = {
	{.name = "users",
	 .type = VIV_T_LIST(VIV_T_EITHER(VIV_T_INT(0, UINT32_MAX - 1), VIV_T_TEXT(&viv_rule_user))),
	 .fallback = "[]",
	 .example = "{ \"paul\" }",
	 .text = "Users that it is for, by name or number. Without users and groups it is for nobody."},
	{.name = "groups",
	 .type = VIV_T_LIST(VIV_T_EITHER(VIV_T_INT(0, UINT32_MAX - 1), VIV_T_TEXT(&viv_rule_user))),
	 .fallback = "[]",
	 .example = "{ \"builders\" }",
	 .text = "Groups that it is for, by name or number."},
	{.name = "host",
	 .type = VIV_T_TEXT(&viv_rule_word),
	 .fallback = "\"ALL\"",
	 .text = "Machines that it is for."},
	{.name = "runAs",
	 .type = VIV_T_TEXT(&viv_rule_word),
	 .fallback = "\"ALL:ALL\"",
	 .example = "\"postgres\"",
	 .text = "As whom the command may run: user:group."},
	{.name = "commands",
	 .type = VIV_T_LIST(VIV_T_EITHER(VIV_T_SUBMODULE(command_fields), VIV_T_TEXT(&viv_rule_sudo_command))),
	 .fallback = "[]",
	 .example = "{ \"/usr/bin/id\", { command = \"/usr/bin/dmesg\", options = { \"NOPASSWD\" } } }",
	 .text = "What may be run: a command, or more about it."},
};

static const struct viv_option rows[] = {
	{.name = "security.pki.certificateFiles",
	 .type = VIV_T_LIST(VIV_T_PATH),
	 .fallback = "[]",
	 .example = "{ \"./ca.pem\" }",
	 .text = "Files of such certificates."},
	{.name = "security.pki.certificates",
	 .type = VIV_T_LIST(VIV_T_LINES),
	 .fallback = "[]",
	 .example = "{ [[\n-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n]] }",
	 .text = "Certificate authorities that the machine's programs trust beside Debian's (PEM, several may follow "
		 "each other). A private key is refused: no secret enters the store."},
	{.name = "security.sudo.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "Install sudo: users in the group wheel (NixOS's name) or sudo (Debian's) may run everything. "
		 "NixOS's default is true."},
	{.name = "security.sudo.extraConfig",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .example = "\"Defaults lecture = never\"",
	 .text = "Further lines of sudoers(5), the last ones."},
	{.name = "security.sudo.extraRules",
	 .type = VIV_T_LIST(VIV_T_SUBMODULE(rule_fields)),
	 .fallback = "[]",
	 .example = "{ { users = { \"paul\" }, commands = { { command = \"/usr/bin/dmesg\" } } } }",
	 .text = "Who else may run what."},
	{.name = "security.sudo.wheelNeedsPassword",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "Users of these two groups are asked for their password."},
};

const struct viv_option_area viv_options_security = VIV_OPTION_AREA(rows);
