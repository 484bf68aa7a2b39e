/* SPDX-License-Identifier: MIT */
/* system.root: what the root is made of. */

#include "config/options/area.h"

static const struct viv_option package_fields[] = {
	{.name = "files",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_line)),
	 .fallback = "[]",
	 .fallback_text = "all but documentation, translations, and files for other init systems",
	 .example = "{ \"usr/bin/htop\", \"usr/lib/terminfo/l/linux\" }",
	 .text = "The files of the package that are taken: patterns of fnmatch(3), in which * stands for any text. "
		 "One that matches nothing is an error."},
};

static const struct viv_option rows[] = {
	{.name = "system.minimal.links",
	 .type = VIV_T_SET(&viv_rule_guest_path, "<path>", VIV_T_TEXT(&viv_rule_line)),
	 .fallback = "{}",
	 .example = "{ [\"/usr/bin/ls\"] = \"busybox\" }",
	 .text = "With system.root = \"minimal\": symbolic links in the root, by their path. One of mkDefault gives way to "
		 "a package's file of that path."},
	{.name = "system.minimal.packages",
	 .type = VIV_T_SET(&viv_rule_package, "<name>", VIV_T_SUBMODULE(package_fields)),
	 .fallback = "{}",
	 .example = "{ busybox = { files = { \"bin/busybox\" } } }",
	 .text = "With system.root = \"minimal\": packages that are taken apart, and what is taken of them. The "
		 "shared libraries that the programs need come along."},
	{.name = "system.root",
	 .type = VIV_T_ENUM("layers", "minimal"),
	 .fallback = "\"layers\"",
	 .example = "\"minimal\"",
	 .text = "What the root is: layers, a whole Debian installed by dpkg; or minimal, one squashfs image with "
		 "chosen files of packages (system.minimal.packages), whose scripts don't run, and the files that "
		 "options write. Without package database. The profile \"profiles/minimal\" makes use of it."},
};

const struct viv_option_area viv_options_root = VIV_OPTION_AREA(rows);
