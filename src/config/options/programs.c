/* SPDX-License-Identifier: MIT */
/* Programs with settings of their own, and what comes with packages. */

#include "config/options/area.h"

static const struct viv_option rows[] = {
	{.name = "documentation.doc.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "Packages' files in /usr/share/doc; their copyright files are always there."},
	{.name = "documentation.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "False: none of the kinds of documentation, whatever the options for each say. What is off is left out of "
		 "the image when its packages are installed, also of those that are installed in the machine later; "
		 "`dpkg -V` there calls it missing."},
	{.name = "documentation.info.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "Pages of info."},
	{.name = "documentation.man.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "Manual pages. To read them the machine needs the package man-db."},
	{.name = "documentation.nixos.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "Accepted for files that come from NixOS; there is no such manual here."},
	{.name = "programs.bash.enableCompletion",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "Install bash-completion: login shells complete commands' arguments. NixOS's default is true."},
	{.name = "programs.command-not-found.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "Install command-not-found, which names the package of a program that is not there. It knows them "
		 "after `apt update` in the machine. NixOS's default is true."},
};

const struct viv_option_area viv_options_programs = VIV_OPTION_AREA(rows);
