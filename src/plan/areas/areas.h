/* SPDX-License-Identifier: MIT */
#pragma once

/* The areas, for the table of plan/area.c. */

#include "config/layout.h"
#include "plan/area.h"

extern const struct viv_area
	viv_area_boot,
	viv_area_desktop,
	viv_area_devices,
	viv_area_disks,
	viv_area_firewall,
	viv_area_loader,
	viv_area_locale,
	viv_area_network,
	viv_area_nginx,
	viv_area_openssh,
	viv_area_programs,
	viv_area_root,
	viv_area_runit,
	viv_area_security,
	viv_area_services,
	viv_area_swap,
	viv_area_sysctl,
	viv_area_system,
	viv_area_systemd,
	viv_area_units,
	viv_area_users;

/* Parts of an area that are a file of their own. */
int viv_etc_add_fstab(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err);
/* The script that makes what `disks` declares, where anything is declared. */
void viv_etc_add_layout(struct viv_etc *etc, const struct viv_config *config);
void viv_layout_script_add(const struct viv_layout *l, struct viv_str *ret); /* its text, for tests, too */
/* What it runs, and the drivers for it. */
void viv_layout_packages(const struct viv_layout *l, struct viv_strv *ret);
void viv_layout_modules(const struct viv_layout *l, struct viv_strv *ret, struct viv_strv *optional);
/* services.getty.helpLine */
void viv_etc_add_help_line(struct viv_etc *etc, const struct viv_config *config);
/* Units that make again, at first boot, what deb/scrub.h takes out of the layers. */
void viv_etc_add_first_boot(struct viv_etc *etc);
/* LANG and its like, as i18n.* says them; set in *ret. */
void viv_locale_variables(const struct viv_config *config, json_t *ret);
