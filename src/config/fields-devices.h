/* SPDX-License-Identifier: MIT */
#pragma once

/* The option table's submodules of devices. Only for table.c. */

#include "config/option.h"

static const struct viv_option credential_fields[] = {
	{.name = "text",
	 .type = VIV_T_NULL_OR(VIV_T_STRING),
	 .fallback = "null",
	 .example = "\"secret\"",
	 .text = "The value. Anyone who can read the machine file knows it."},
	{.name = "source",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .example = "\"./token\"",
	 .text = "A file on the host that holds the value."},
};

static const struct viv_option numa_fields[] = {
	{.name = "memorySize",
	 .type = VIV_T_NULL_OR(VIV_T_SIZE(0, 1 << 26)),
	 .fallback = "null",
	 .fallback_text = "an even part of what the others leave",
	 .example = "\"1G\"",
	 .text = "The node's memory; 0 for a node of processors only."},
	{.name = "cores",
	 .type = VIV_T_NULL_OR(VIV_T_INT(0, 512)),
	 .fallback = "null",
	 .fallback_text = "an even part of what the others leave",
	 .example = "2",
	 .text = "The node's processors; 0 for a node of memory only."},
};

static const struct viv_option usb_fields[] = {
	{.name = "vendor",
	 .type = VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_INT(0, 0xffff), VIV_T_TEXT(&viv_rule_usb_id))),
	 .fallback = "null",
	 .example = "\"0951\"",
	 .text = "The vendor's number: text is hexadecimal, as lsusb prints it."},
	{.name = "product",
	 .type = VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_INT(0, 0xffff), VIV_T_TEXT(&viv_rule_usb_id))),
	 .fallback = "null",
	 .example = "\"1666\"",
	 .text = "The product's number."},
	{.name = "bus",
	 .type = VIV_T_NULL_OR(VIV_T_INT(1, 255)),
	 .fallback = "null",
	 .example = "2",
	 .text = "The bus that the device is plugged into."},
	{.name = "port",
	 .type = VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_INT(1, 255), VIV_T_TEXT(&viv_rule_usb_port))),
	 .fallback = "null",
	 .example = "\"1.2\"",
	 .text = "The port there; behind hubs the ports on the way, with dots."},
};
