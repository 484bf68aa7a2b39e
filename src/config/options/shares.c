/* SPDX-License-Identifier: MIT */
/* Folders of the host's. */

#include "config/options/area.h"

static const struct viv_option share_fields[] = {
	{.name = "source",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .text = "The folder on the host; it must be set."},
	{.name = "target",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_guest_path)),
	 .fallback = "null",
	 .text = "Where it is in the guest; it must be set. The folder is made if it is not there."},
	{.name = "readOnly",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .text = "The guest can't change it. On NixOS shares can be written."},
	{.name = "kind",
	 .type = VIV_T_ENUM("auto", "virtiofs", "9p"),
	 .fallback = "\"auto\"",
	 .example = "\"9p\"",
	 .text = "How it gets there: auto is virtiofs where the host has virtiofsd and the kernel "
		 "virtiofs, else 9p. \"9p\" takes Debian's full kernel unless boot.kernel names one."},
};

static const struct viv_option rows[] = {
	{.name = "virtualisation.exchangeFolders",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "The folders /tmp/xchg and /tmp/shared, shared with the host (docs/shares.md). A machine with shares can't be "
		 "saved in tests (docs/testing.md)."},
	{.name = "virtualisation.sharedDirectories",
	 .type = VIV_T_SET(&viv_rule_share_tag, "<tag>", VIV_T_SUBMODULE(share_fields)),
	 .fallback = "{}",
	 .example = "{ src = { source = \"./src\", target = \"/mnt/src\" } }",
	 .text = "Folders of the host in the guest, by name. The shares xchg (/tmp/xchg, which can "
		 "be written) and shared (/tmp/shared) are there unless exchangeFolders is false."},
};

const struct viv_option_area viv_options_shares = VIV_OPTION_AREA(rows);
