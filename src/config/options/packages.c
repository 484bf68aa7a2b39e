/* SPDX-License-Identifier: MIT */
/* Where packages come from. */

#include "config/options/area.h"

static const struct viv_option rows[] = {
	{.name = "nixpkgs.overlays", .alias_of = "packages.overlays"},
	{.name = "packages.buildTimeout",
	 .type = VIV_T_INT(1, 86400),
	 .fallback = "1800",
	 .example = "7200",
	 .text = "Seconds that a build from source may print nothing before it is ended."},
	{.name = "packages.components",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_release)),
	 .fallback = "[\"main\"]",
	 .example = "{ \"main\", \"contrib\", \"non-free-firmware\" }",
	 .text = "The archive's components to take packages from."},
	{.name = "packages.keyring",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .fallback_text = "the Debian archive's, from the host",
	 .example = "\"/usr/share/keyrings/debian-archive-keyring.gpg\"",
	 .text = "Keys that the archive's signatures are checked with."},
	{.name = "packages.lockFile",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .fallback_text = "vm.lock in the machine file's folder",
	 .example = "\"../vm.lock\"",
	 .text = "Where the exact version of every package is kept. Machines of several folders can "
		 "share one file, which names them by their paths from there: a relative place "
		 "(`../vm.lock`) stays true where all of it is moved or checked out."},
	{.name = "packages.mirrors",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_mirror)),
	 .fallback = "[]",
	 .fallback_text = "those of the host's own apt configuration",
	 .example = "{ \"https://deb.example.org/debian\" }",
	 .text = "Archives to fetch packages from, tried in this order. After an address its suites "
		 "can be named; without them they are the release, its updates or its security "
		 "updates. A login (`https://name:password@…`) is for apt alone: the guest is told "
		 "the address without it. Such a line belongs into `~/.config/viv/config.lua`; "
		 "logins in the host's `/etc/apt/auth.conf.d` are used, too."},
	{.name = "packages.overlays",
	 .type = VIV_T_LIST(VIV_T(.kind = VIV_TYPE_FUNCTION)),
	 .fallback = "[]",
	 .example = "{ function(final, prev) return { htop = prev.htop:override{ patches = { \"./fix.patch\" } } } end }",
	 .text = "Changes to packages: functions of the set after all overlays and of the set before "
		 "this one, applied in this order. Each returns the names that it changes or adds. What it "
		 "gives counts wherever that package is named, and where another one brings it along."},
	{.name = "packages.recommends",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "Also install what packages recommend."},
	{.name = "packages.release",
	 .type = VIV_T_TEXT(&viv_rule_release),
	 .fallback = "\"trixie\"",
	 .example = "\"bookworm\"",
	 .text = "The Debian release that the machine is made of."},
	{.name = "packages.snapshotMirrors",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_url)),
	 .fallback = "[]",
	 .example = "{ \"https://snapshot.example.org/archive/debian\" }",
	 .text = "Archives of past states, asked when the mirrors no longer have a version that "
		 "the "
		 "lock file names."},
};

const struct viv_option_area viv_options_packages = VIV_OPTION_AREA(rows);
