/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* virtualisation.useBootLoader: what the machine starts with comes out of its own packages (run/loader-image.h). */

static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	static const char *const is_signed[] = {"grub-efi-amd64-signed", "shim-signed", NULL};

	if (!viv_config_bool(config, "virtualisation.useBootLoader"))
		return;
	if (viv_config_bool(config, "boot.loader.systemd-boot.enable")) {
		viv_strv_push(ret, "systemd-boot-efi");
		return;
	}
	viv_strv_push(ret, "grub-common");
	if (viv_config_bool(config, "virtualisation.useSecureBoot"))
		viv_strv_push_all(ret, is_signed);
	else
		viv_strv_push(ret, viv_config_bool(config, "virtualisation.useEFIBoot")
					   ? "grub-efi-amd64-bin"
					   : "grub-pc-bin");
}

const struct viv_area viv_area_loader = {.packages = packages};
