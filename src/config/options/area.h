/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The option table is written in areas, a file each beside this one: fields of submodules first,
 * then the rows in order of name. A new area also takes a line here and one in table.c.
 */

#include "config/option.h"

#define VIV_OPTION_AREA(array) {.rows = (array), .n = VIV_ARRAY_SIZE(array)}

extern const struct viv_option_area
	viv_options_boot,
	viv_options_desktop,
	viv_options_devices,
	viv_options_disks,
	viv_options_firewall,
	viv_options_firmware,
	viv_options_layout,
	viv_options_loader,
	viv_options_locale,
	viv_options_machine,
	viv_options_network,
	viv_options_nginx,
	viv_options_packages,
	viv_options_programs,
	viv_options_root,
	viv_options_runit,
	viv_options_security,
	viv_options_services,
	viv_options_shares,
	viv_options_swap,
	viv_options_sysctl,
	viv_options_system,
	viv_options_units,
	viv_options_users;
