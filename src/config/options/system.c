/* SPDX-License-Identifier: MIT */
/* The system inside: its files, packages and settings. */

#include "config/options/area.h"

static const struct viv_option etc_fields[] = {
	{.name = "text",
	 .type = VIV_T_NULL_OR(VIV_T_LINES),
	 .fallback = "null",
	 .example = "\"Welcome\\n\"",
	 .text = "The file's content. Several definitions are joined, a line each."},
	{.name = "source",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .example = "\"./motd\"",
	 .text = "A file beside the machine file, to be copied instead of writing text."},
	{.name = "mode",
	 .type = VIV_T_TEXT(&viv_rule_mode),
	 .fallback = "\"0644\"",
	 .example = "\"0600\"",
	 .text = "Permissions, octal."},
	{.name = "user",
	 .type = VIV_T_TEXT(&viv_rule_user),
	 .fallback = "\"root\"",
	 .text = "The owner."},
	{.name = "group",
	 .type = VIV_T_TEXT(&viv_rule_user),
	 .fallback = "\"root\"",
	 .text = "The group that owns it."},
};

static const struct viv_option rows[] = {
	{.name = "environment.etc",
	 .type = VIV_T_SET(&viv_rule_etc_path, "<path>", VIV_T_SUBMODULE(etc_fields)),
	 .fallback = "{}",
	 .example = "{ motd = { text = \"Welcome\\n\" } }",
	 .text = "Files in /etc, by their path below it."},
	{.name = "environment.shellAliases",
	 .type = VIV_T_SET(&viv_rule_alias, "<name>", VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_line))),
	 .fallback = "{}",
	 .example = "{ ll = \"ls -l\" }",
	 .text = "Aliases of login shells (bash and sh), by name; null: none of that name."},
	{.name = "environment.systemPackages",
	 .type = VIV_T_LIST(VIV_T_PACKAGE),
	 .fallback = "[]",
	 .example = "pkgs[[ htop xfsprogs tmux ]]",
	 .text = "Debian packages to install, with what they depend on."},
	{.name = "environment.variables",
	 .type = VIV_T_SET(&viv_rule_variable, "<name>", VIV_T_TEXT(&viv_rule_line)),
	 .fallback = "{}",
	 .example = "{ EDITOR = \"vim\" }",
	 .text = "Environment variables of every login and of commands run from the host. One with # in its value, which "
		 "pam_env(8) would cut, reaches logins by their shell."},
	{.name = "system.init",
	 .type = VIV_T_ENUM("systemd", "runit", "none"),
	 .fallback = "\"systemd\"",
	 .example = "\"none\"",
	 .text = "What runs as the first process: systemd; runit, in its three stages, which is small and quick; or none "
		 "but a small supervisor, which is the quickest way to a command. On runit start the services of "
		 "options, and of packages that know runit: init scripts and systemd's units of packages don't."},
	{.name = "system.stateVersion",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_line)),
	 .fallback = "null",
	 .example = "\"25.05\"",
	 .text = "Accepted for files that come from NixOS; it has no effect."},
	{.name = "time.timeZone",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_time_zone)),
	 .fallback = "null",
	 .fallback_text = "UTC",
	 .example = "\"Europe/Lisbon\"",
	 .text = "The machine's time zone."},
};

const struct viv_option_area viv_options_system = VIV_OPTION_AREA(rows);
