/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* Devices that nobody else would look after: virtualisation.graphics, .watchdog, .usb, .cdrom, .credentials. */

/*
 * Without systemd there is no udev, and Debian keeps udev from loading the drivers of watchdogs.
 */
static void modules(const struct viv_config *config, struct viv_strv *ret, struct viv_strv *optional)
{
	static const char *const for_cdrom[] = {"ahci", "sr_mod", "isofs", NULL};

	if (viv_config_bool(config, "virtualisation.watchdog.enable"))
		viv_strv_push(ret, "i6300esb");
	if (viv_uses_systemd(config))
		return;
	if (viv_config_bool(config, "virtualisation.useEFIBoot"))
		viv_strv_push(optional, "efivarfs");
	if (viv_config_string(config, "virtualisation.cdrom"))
		viv_strv_push_all(optional, for_cdrom);
	if (json_array_size(viv_config_get(config, "virtualisation.usb.devices")))
		viv_strv_push(ret, "xhci_pci");
	if (json_object_size(viv_config_get(config, "virtualisation.credentials")))
		viv_strv_push(ret, "qemu_fw_cfg");
}

/* A watchdog is kept from biting. */
static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	static const char option[] = "virtualisation.watchdog.timeout";
	VIV_FREE char *text = NULL;

	if (!viv_uses_systemd(config) || !viv_config_bool(config, "virtualisation.watchdog.enable"))
		return 0;
	text = viv_asprintf("[Manager]\nRuntimeWatchdogSec=%llds\n",
			    (long long)viv_config_int(config, option));
	viv_etc_add_text(etc, option, "etc/systemd/system.conf.d/viv-watchdog.conf", text);
	return 0;
}

/* Is a share to go over 9p? */
static bool wants_9p(const struct viv_config *config)
{
	json_t *all = (json_t *)viv_config_get(config, "virtualisation.sharedDirectories"), *share;
	const char *tag;

	json_object_foreach(all, tag, share)
		if (viv_streq(viv_json_str(share, "kind"), "9p"))
			return true;
	return false;
}

static bool full_kernel(const struct viv_config *config)
{
	return viv_config_bool(config, "virtualisation.graphics") ||
	       json_array_size(viv_config_get(config, "virtualisation.usb.devices")) ||
	       wants_9p(config);
}

const struct viv_area viv_area_devices = {
	.files = files, .modules = modules, .full_kernel = full_kernel};
