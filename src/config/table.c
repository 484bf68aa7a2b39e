/* SPDX-License-Identifier: MIT */
#include "config/options/area.h"

const struct viv_option_area *const viv_option_areas[] = {
	&viv_options_boot,
	&viv_options_devices,
	&viv_options_disks,
	&viv_options_firewall,
	&viv_options_firmware,
	&viv_options_layout,
	&viv_options_loader,
	&viv_options_locale,
	&viv_options_machine,
	&viv_options_network,
	&viv_options_nginx,
	&viv_options_packages,
	&viv_options_programs,
	&viv_options_root,
	&viv_options_runit,
	&viv_options_security,
	&viv_options_services,
	&viv_options_shares,
	&viv_options_swap,
	&viv_options_sysctl,
	&viv_options_system,
	&viv_options_units,
	&viv_options_users,
	NULL,
};
