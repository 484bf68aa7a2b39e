/* SPDX-License-Identifier: MIT */
#include "plan/area.h"

#include "plan/areas/areas.h"

const struct viv_area *const viv_areas[] = {
	&viv_area_desktop,
	&viv_area_devices,
	&viv_area_disks,
	&viv_area_loader,
	&viv_area_system,
	&viv_area_systemd,
	&viv_area_runit,
	&viv_area_network,
	&viv_area_openssh,
	&viv_area_boot,
	&viv_area_services,
	&viv_area_units,
	&viv_area_firewall,
	&viv_area_locale,
	&viv_area_nginx,
	&viv_area_programs,
	&viv_area_security,
	&viv_area_swap,
	&viv_area_sysctl,
	&viv_area_users,
	&viv_area_root,
	NULL,
};

bool viv_uses_systemd(const struct viv_config *config)
{
	return viv_streq(viv_config_string(config, "system.init"), "systemd");
}

bool viv_uses_runit(const struct viv_config *config)
{
	return viv_streq(viv_config_string(config, "system.init"), "runit");
}

bool viv_has_screen(const struct viv_config *config)
{
	return viv_config_bool(config, "virtualisation.graphics") || viv_config_bool(config, "virtualisation.textScreen");
}

bool viv_is_minimal(const struct viv_config *config)
{
	return viv_streq(viv_config_string(config, "system.root"), "minimal");
}

void viv_push_option(struct viv_strv *to, const struct viv_config *config, const char *option)
{
	size_t i;
	json_t *v;

	json_array_foreach((json_t *)viv_config_get(config, option), i, v)
		viv_strv_push(to, json_string_value(v));
}
