/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "base/path.h"
#include "config/filesystems.h"

#include <ctype.h>

/* swapDevices and zramSwap. */

static const char option[] = "swapDevices";

/* systemd.unit(5): a path as a unit's name. The caller frees it. */
static char *unit_name(const char *path)
{
	VIV_FREE char *clean = viv_path_clean(path);
	struct viv_str s = VIV_STR_INIT;
	const char *p = clean + strspn(clean, "/");

	for (const char *start = p; *p; p++)
		if (*p == '/')
			viv_str_add_char(&s, '-');
		else if (isalnum((unsigned char)*p) || strchr(":_", *p) || (*p == '.' && p > start))
			viv_str_add_char(&s, *p);
		else
			viv_str_addf(&s, "\\x%02x", (unsigned)(unsigned char)*p);
	return viv_str_steal(&s);
}

/* Is what lies there on the overlay? Nothing can be swapped to it there. */
static bool is_on_overlay(const struct viv_config *config, const char *path)
{
	VIV_CLEANUP(viv_config_filesystems_free) struct viv_config_filesystems f = {0};
	bool found = false;

	if (viv_config_string(config, "virtualisation.rootFileSystem"))
		return false;
	viv_config_filesystems_get(config, &f);
	for (size_t i = 0; i < f.count; i++)
		found |= viv_path_is_within(path, f.items[i].target);
	return !found;
}

/*
 * No fstab: there a unit would be a part of what swap.target waits for, and a device that is not there
 * would hold the system up for a minute and a half.
 */
static void add_unit(struct viv_etc *etc, const json_t *swap, const char *name)
{
	const char *device = viv_json_str(swap, "device");
	const json_t *priority = json_object_get(swap, "priority"), *o;
	VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "%s.swap", name);
	VIV_FREE char *wanted = viv_asprintf(VIV_ETC_UNITS "swap.target.wants/%s.swap", name);
	VIV_FREE char *target = viv_asprintf("../%s.swap", name);
	VIV_STR options = VIV_STR_INIT, s = VIV_STR_INIT;
	bool file = !viv_starts_with(device, "/dev/");
	size_t i;

	json_array_foreach(json_object_get(swap, "options"), i, o)
		viv_str_addf(&options, "%s%s", options.len ? "," : "", json_string_value(o));
	viv_str_add(&s, "[Unit]\nDefaultDependencies=no\nConflicts=umount.target\nBefore=umount.target\n");
	if (file)
		viv_str_addf(&s, "RequiresMountsFor=%s\n", device);
	if (!json_is_null(json_object_get(swap, "size")))
		viv_str_addf(&s, "Requires=viv-swap-%s.service\nAfter=viv-swap-%s.service\n", name, name);
	viv_str_addf(&s, "[Swap]\nWhat=%s\n", device);
	if (json_is_integer(priority))
		viv_str_addf(&s, "Priority=%lld\n", (long long)json_integer_value(priority));
	if (options.len)
		viv_str_addf(&s, "Options=%s\n", options.data);
	viv_etc_add_text(etc, option, path, s.data);
	viv_etc_add_link(etc, option, wanted, target);
	if (!file) {
		VIV_FREE char *patience = viv_asprintf(VIV_ETC_UNITS "%s.device.d/viv-swap.conf", name);

		viv_etc_add_text(etc, option, patience, "[Unit]\nJobRunningTimeoutSec=30s\n");
	}
}

/* A file of another size is made anew: nothing that is worth keeping is in it when the system starts. */
static void add_file(struct viv_etc *etc, const json_t *swap, const char *name)
{
	const char *device = viv_json_str(swap, "device");
	long long size = (long long)json_integer_value(json_object_get(swap, "size"));
	VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "viv-swap-%s.service", name);
	VIV_FREE char *text = viv_asprintf(
		"[Unit]\n"
		"Description=Make the swap file %s\n"
		"DefaultDependencies=no\n"
		"RequiresMountsFor=%s\n"
		"[Service]\n"
		"Type=oneshot\n"
		"RemainAfterExit=yes\n"
		"ExecStart=/bin/sh -ec 'f=$$1 size=$$2; "
		"if [ -f \"$$f\" ] && [ \"$$(stat -c %%%%s \"$$f\")\" = $$((size * 1048576)) ]; then exit 0; fi; "
		"mkdir -p \"$${f%%%%/*}\"; rm -f \"$$f\" \"$$f.new\"; umask 077; : >\"$$f.new\"; "
		"chattr +C \"$$f.new\" 2>/dev/null || :; fallocate -l $${size}M \"$$f.new\"; mkswap -q \"$$f.new\"; "
		"mv \"$$f.new\" \"$$f\"' sh \"%s\" %lld\n", device, device, device, size);

	viv_etc_add_text(etc, option, path, text);
}

static int add_swap(struct viv_etc *etc, const struct viv_config *config, size_t i, const json_t *swap,
		    struct viv_error *err)
{
	const char *device = viv_json_str(swap, "device");
	VIV_FREE char *item = viv_asprintf("%s[%zu]", option, i + 1), *name = unit_name(device);

	if (!viv_starts_with(device, "/dev/") && is_on_overlay(config, device)) {
		viv_error_say(err, EINVAL, "%s: %s: %s lies on the machine's overlay, and Linux can't swap to that",
			      viv_config_place(config, option), item, device);
		viv_error_hint(err, "Name a file on one of fileSystems, set virtualisation.rootFileSystem, or take "
				    "what is meant for real hardware away: swapDevices = mkVMOverride({}).");
		return -EINVAL;
	}
	add_unit(etc, swap, name);
	if (!json_is_null(json_object_get(swap, "size")))
		add_file(etc, swap, name);
	return 0;
}

/* Its size depends on the machine's memory, which is known when it runs. */
static void add_zram(struct viv_etc *etc, const struct viv_config *config)
{
	static const char zram[] = "zramSwap.enable";
	VIV_FREE char *script = viv_asprintf(
		"#!/bin/sh -e\n"
		"# zramSwap: swap to compressed memory\n"
		"modprobe zram num_devices=0\n"
		"read -r n </sys/class/zram-control/hot_add\n"
		"cd /sys/block/zram$n\n"
		"(echo %s >comp_algorithm) 2>/dev/null || echo \"the kernel has no %s, zram uses $(cat comp_algorithm)\" >&2\n"
		"while read -r key value unit; do\n"
		"\t[ \"$key\" != MemTotal: ] || echo $((value * %lld / 100 * 1024)) >disksize\n"
		"done </proc/meminfo\n"
		"mkswap -q /dev/zram$n\n"
		"exec swapon --priority %lld /dev/zram$n\n",
		viv_config_string(config, "zramSwap.algorithm"), viv_config_string(config, "zramSwap.algorithm"),
		(long long)viv_config_int(config, "zramSwap.memoryPercent"),
		(long long)viv_config_int(config, "zramSwap.priority"));

	if (!viv_config_bool(config, zram))
		return;
	viv_etc_add_script(etc, zram, "usr/lib/viv/zram-swap", script);
	viv_etc_add_text(etc, zram, VIV_ETC_UNITS "viv-zram-swap.service",
			 "[Unit]\n"
			 "Description=Swap to compressed memory\n"
			 "[Service]\n"
			 "Type=oneshot\n"
			 "RemainAfterExit=yes\n"
			 "ExecStart=/usr/lib/viv/zram-swap\n");
	viv_etc_add_link(etc, zram, VIV_ETC_WANTED "viv-zram-swap.service", "../viv-zram-swap.service");
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	const json_t *all = viv_config_get(config, option);
	json_t *swap;
	size_t i;
	int r = 0;

	if (!viv_uses_systemd(config))
		return 0;
	json_array_foreach((json_t *)all, i, swap)
		if (r == 0)
			r = add_swap(etc, config, i, swap, err);
	add_zram(etc, config);
	return r;
}

const struct viv_area viv_area_swap = {.files = files};
