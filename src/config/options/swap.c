/* SPDX-License-Identifier: MIT */
/* Where memory goes when it is full. */

#include "config/options/area.h"

static const struct viv_option swap_fields[] = {
	{.name = "device",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_plain_path)),
	 .fallback = "null",
	 .example = "\"/dev/disk/by-label/swap\"",
	 .text = "A disk or partition with swap space on it, or with size a file. It must be given."},
	{.name = "size",
	 .type = VIV_T_NULL_OR(VIV_T_SIZE(1, 1 << 24)),
	 .fallback = "null",
	 .example = "\"1G\"",
	 .text = "The device is a file of this size, made at the first start. It has to lie on a file system "
		 "of its own (fileSystems, or virtualisation.rootFileSystem): Linux can't swap to an overlay."},
	{.name = "priority",
	 .type = VIV_T_NULL_OR(VIV_T_INT(0, 32767)),
	 .fallback = "null",
	 .fallback_text = "after the others",
	 .example = "10",
	 .text = "What has more is filled first."},
	{.name = "options",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_swap_option)),
	 .fallback = "[]",
	 .example = "{ \"discard\" }",
	 .text = "Options of swapon(8)."},
};

static const struct viv_option rows[] = {
	{.name = "swapDevices",
	 .type = VIV_T_LIST(VIV_T_SUBMODULE(swap_fields)),
	 .fallback = "[]",
	 .example = "{ { device = \"/dev/disk/by-label/swap\" } }",
	 .inits = VIV_INIT_SYSTEMD | VIV_INIT_RUNIT,
	 .text = "Swap space. A device that the machine has not got is passed over and holds nothing up, so those of "
		 "real hardware may stand here; `swapDevices = mkVMOverride({})` takes them all away."},
	{.name = "zramSwap.algorithm",
	 .type = VIV_T_TEXT(&viv_rule_algorithm),
	 .fallback = "\"zstd\"",
	 .example = "\"lz4\"",
	 .text = "How it is compressed. What the kernel does not know is left at the kernel's own, with a line in "
		 "the log."},
	{.name = "zramSwap.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .inits = VIV_INIT_SYSTEMD | VIV_INIT_RUNIT,
	 .text = "Swap to memory itself, compressed (zram)."},
	{.name = "zramSwap.memoryPercent",
	 .type = VIV_T_INT(1, 1000),
	 .fallback = "50",
	 .example = "25",
	 .text = "How much can be swapped there, in hundredths of the machine's memory."},
	{.name = "zramSwap.priority",
	 .type = VIV_T_INT(0, 32767),
	 .fallback = "5",
	 .example = "10",
	 .text = "As in swapDevices."},
};

const struct viv_option_area viv_options_swap = VIV_OPTION_AREA(rows);
