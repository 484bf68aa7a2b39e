/* SPDX-License-Identifier: MIT */
/* Language, keyboard. */

#include "config/options/area.h"

static const struct viv_option rows[] = {
	{.name = "console.font",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_font)),
	 .fallback = "null",
	 .fallback_text = "the kernel's",
	 .example = "\"Lat15-Terminus16\"",
	 .inits = VIV_INIT_SYSTEMD,
	 .text = "The font of a screen's text: one of the package console-setup-linux, in "
		 "/usr/share/consolefonts. A serial console has none."},
	{.name = "console.keyMap",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_key_map)),
	 .fallback = "null",
	 .fallback_text = "the kernel's, which is \"us\"",
	 .example = "\"de\"",
	 .inits = VIV_INIT_SYSTEMD,
	 .text = "The keyboard's layout at a screen, with its variant after a dash (\"us-dvorak\"), as "
		 "keyboard(5) knows them. A serial console has no keyboard."},
	{.name = "i18n.defaultLocale",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_locale)),
	 .fallback = "null",
	 .fallback_text = "none, which is \"C\"",
	 .example = "\"de_DE.UTF-8\"",
	 .text = "The language of programs (LANG), of logins and of commands from the host. It is made "
		 "when the machine is built; \"C.UTF-8\" is there without that."},
	{.name = "i18n.extraLocaleSettings",
	 .type = VIV_T_SET(&viv_rule_locale_category, "<category>", VIV_T_TEXT(&viv_rule_locale)),
	 .fallback = "{}",
	 .example = "{ LC_TIME = \"de_DE.UTF-8\" }",
	 .text = "Categories with a locale of their own."},
	{.name = "i18n.supportedLocales",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_locale_line)),
	 .fallback = "[]",
	 .example = "{ \"en_US.UTF-8\", \"de_DE.UTF-8\" }",
	 .text = "Further locales to be made, beside those of the other two options. NixOS's form with the "
		 "encoding, \"en_US.UTF-8/UTF-8\", is fine, too."},
};

const struct viv_option_area viv_options_locale = VIV_OPTION_AREA(rows);
