/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* The kernel's parameters and drivers: boot.*, and what every machine needs to find its root. */

static void modules(const struct viv_config *config, struct viv_strv *ret, struct viv_strv *optional)
{
	static const char *const needed[] = {"virtio_pci", "virtio_blk", "virtio_console", "erofs",
					     "overlay", NULL};
	static const char *const useful[] = {"virtio_rng", "virtio_net", "vmgenid", "pvpanic_pci", NULL};

	viv_strv_push_all(ret, needed);
	viv_push_option(ret, config, "boot.initrd.kernelModules");
	if (!viv_uses_systemd(config))
		viv_push_option(ret, config, "boot.kernelModules");
	viv_strv_push_all(optional, useful);
	viv_push_option(optional, config, "boot.initrd.availableKernelModules");
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	static const char option[] = "boot.kernelModules";
	VIV_STR list = VIV_STR_INIT;
	json_t *m;
	size_t i;

	json_array_foreach((json_t *)viv_config_get(config, option), i, m)
		viv_str_addf(&list, "%s\n", json_string_value(m));
	if (list.len && viv_uses_systemd(config))
		viv_etc_add(etc, option, "etc/modules-load.d/viv.conf", VIV_ETC_FILE, 0644, &list);
	return 0;
}

static void params(const struct viv_config *config, struct viv_strv *ret)
{
	int64_t level = viv_config_int(config, "boot.consoleLogLevel");

	viv_strv_pushf(ret, "loglevel=%lld", (long long)level);
	viv_strv_pushf(ret, "viv.init=%s", viv_config_string(config, "system.init"));
	viv_push_option(ret, config, "boot.kernelParams");
}

const struct viv_area viv_area_boot = {.files = files, .modules = modules, .params = params};
