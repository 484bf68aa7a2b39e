/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* The kernel's parameters and drivers: boot.*, and what every machine needs to find its root. */

#define BLACKLIST "boot.blacklistedKernelModules"

/* What every machine loads. */
static void push_needed(const struct viv_config *config, struct viv_strv *ret)
{
	static const char *const needed[] = {"virtio_pci", "virtio_blk", "virtio_console", NULL};

	viv_strv_push_all(ret, needed);
	viv_strv_push(ret, viv_is_minimal(config) ? "squashfs" : "erofs");
	viv_strv_push(ret, "overlay");
}

/* To modprobe and the kernel - and _ are the same. */
static bool same_module(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
			return false;
	return *a == *b;
}

static bool is_blacklisted(const struct viv_strv *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (same_module(list->items[i], name))
			return true;
	return false;
}

/* Those that the initrd loads for the hardware's sake. */
static void push_optional(const struct viv_config *config, struct viv_strv *ret)
{
	static const char *const useful[] = {"virtio_rng", "virtio_net", "vmgenid", "pvpanic_pci", NULL};
	VIV_STRV all = VIV_STRV_INIT, not = VIV_STRV_INIT;

	viv_strv_push_all(&all, useful);
	viv_push_option(&all, config, "boot.initrd.availableKernelModules");
	viv_push_option(&not, config, BLACKLIST);
	for (size_t i = 0; i < all.count; i++)
		if (!is_blacklisted(&not, all.items[i]))
			viv_strv_push(ret, all.items[i]);
}

static void modules(const struct viv_config *config, struct viv_strv *ret, struct viv_strv *optional)
{
	push_needed(config, ret);
	viv_push_option(ret, config, "boot.initrd.kernelModules");
	if (!viv_uses_systemd(config))
		viv_push_option(ret, config, "boot.kernelModules");
	push_optional(config, optional);
	/* A root without modules: what shares need is loaded at once. */
	if (viv_is_minimal(config))
		viv_strv_push(optional, "virtiofs");
}

static int add_blacklist(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	VIV_STRV not = VIV_STRV_INIT, must = VIV_STRV_INIT;
	VIV_STR text = VIV_STR_INIT;

	push_needed(config, &must);
	viv_push_option(&not, config, BLACKLIST);
	for (size_t i = 0; i < not.count; i++) {
		for (size_t k = 0; k < must.count; k++)
			if (same_module(must.items[k], not.items[i]))
				return viv_error_say(err, EINVAL, "%s: " BLACKLIST ": the machine needs %s to find its root",
						     viv_config_place(config, BLACKLIST), not.items[i]);
		viv_str_addf(&text, "blacklist %s\n", not.items[i]);
	}
	if (not.count)
		viv_etc_add_text(etc, BLACKLIST, "etc/modprobe.d/viv-blacklist.conf", text.data);
	return 0;
}

/* Run by the initrd's init (docs/boot.md) before it starts the real one. */
static void add_post_boot(struct viv_etc *etc, const struct viv_config *config)
{
	static const char option[] = "boot.postBootCommands";
	const char *commands = viv_config_string(config, option);
	VIV_STR text = VIV_STR_INIT;

	if (!commands[0])
		return;
	viv_str_addf(&text, "#!/bin/sh\n%s\n", commands);
	viv_etc_add(etc, option, "etc/viv/post-boot", VIV_ETC_FILE, 0755, &text);
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
	add_post_boot(etc, config);
	return add_blacklist(etc, config, err);
}

static void params(const struct viv_config *config, struct viv_strv *ret)
{
	int64_t level = viv_config_int(config, "boot.consoleLogLevel");

	viv_strv_pushf(ret, "loglevel=%lld", (long long)level);
	if (viv_config_bool(config, "boot.crashDump.enable"))
		viv_strv_pushf(ret, "crashkernel=%lldM",
			       (long long)viv_config_int(config, "boot.crashDump.reservedMemory"));
	viv_strv_pushf(ret, "viv.init=%s", viv_config_string(config, "system.init"));
	viv_push_option(ret, config, "boot.kernelParams");
}

const struct viv_area viv_area_boot = {.files = files, .modules = modules, .params = params};
