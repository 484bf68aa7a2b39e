/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "base/path.h"
#include "config/filesystems.h"
#include "plan/areas/runit.h"
#include "plan/unit.h"

/* swapDevices and zramSwap. */

static const char option[] = "swapDevices";

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
	if (json_is_integer(json_object_get(swap, "size")))
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
#define MAKE "/usr/lib/viv/make-swap-file"
static const char make[] =
	"#!/bin/sh -e\n"
	"# swapDevices: a file of so many MiB\n"
	"file=$1 size=$2\n"
	"if [ -f \"$file\" ] && [ \"$(stat -c %s \"$file\")\" = $((size * 1048576)) ]; then exit 0; fi\n"
	"umask 077\n"
	"mkdir -p \"${file%/*}\"\n"
	"rm -f \"$file\" \"$file.new\"\n"
	": >\"$file.new\"\n"
	"chattr +C \"$file.new\" 2>/dev/null || : # btrfs\n"
	"fallocate -l \"${size}M\" \"$file.new\"\n"
	"mkswap \"$file.new\" >/dev/null\n"
	"mv \"$file.new\" \"$file\"\n";

static long long size_of(const json_t *swap)
{
	return (long long)json_integer_value(json_object_get(swap, "size"));
}

static void add_file(struct viv_etc *etc, const json_t *swap, const char *name)
{
	const char *device = viv_json_str(swap, "device");
	VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "viv-swap-%s.service", name);
	VIV_FREE char *text = viv_asprintf("[Unit]\n"
					   "Description=Make the swap file %s\n"
					   "DefaultDependencies=no\n"
					   "RequiresMountsFor=%s\n"
					   "[Service]\n"
					   "Type=oneshot\n"
					   "RemainAfterExit=yes\n"
					   "ExecStart=" MAKE " %s %lld\n",
					   device, device, device, size_of(swap));

	viv_etc_add_text(etc, option, path, text);
}

/* A label or UUID is looked for by swapon itself: there is no udev that makes links. */
static char *spec_of(const char *device)
{
	static const char *const tags[][2] = {{"/dev/disk/by-label/", "LABEL="},
					      {"/dev/disk/by-uuid/", "UUID="},
					      {"/dev/disk/by-partlabel/", "PARTLABEL="},
					      {"/dev/disk/by-partuuid/", "PARTUUID="}};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(tags); i++)
		if (viv_starts_with(device, tags[i][0]))
			return viv_asprintf("%s%s", tags[i][1], device + strlen(tags[i][0]));
	return viv_strdup(device);
}

/* A device that is not there is passed over. */
static void add_boot(const json_t *swap, struct viv_str *s)
{
	const char *device = viv_json_str(swap, "device");
	const json_t *priority = json_object_get(swap, "priority"), *o;
	VIV_FREE char *spec = spec_of(device);
	size_t i;

	if (size_of(swap))
		viv_str_addf(s, MAKE " %s %lld\n", device, size_of(swap));
	viv_str_add(s, "swapon");
	if (json_is_integer(priority))
		viv_str_addf(s, " --priority %lld", (long long)json_integer_value(priority));
	json_array_foreach(json_object_get(swap, "options"), i, o)
		viv_str_addf(s, " --options %s", json_string_value(o));
	viv_str_addf(s, " %s || :\n", spec);
}

static int add_swap(struct viv_etc *etc, const struct viv_config *config, size_t i, const json_t *swap,
		    struct viv_str *boot, bool *ret_files, struct viv_error *err)
{
	const char *device = viv_json_str(swap, "device");
	VIV_FREE char *item = viv_asprintf("%s[%zu]", option, i + 1), *name = viv_unit_escape_path(device);

	if (!viv_starts_with(device, "/dev/") && is_on_overlay(config, device)) {
		viv_error_say(err, EINVAL, "%s: %s: %s lies on the machine's overlay, and Linux can't swap to that",
			      viv_config_place(config, option), item, device);
		viv_error_hint(err, "Name a file on one of fileSystems, set virtualisation.rootFileSystem, or take "
				    "what is meant for real hardware away: swapDevices = mkVMOverride({}).");
		return -EINVAL;
	}
	if (size_of(swap))
		*ret_files = true;
	if (viv_uses_runit(config)) {
		add_boot(swap, boot);
		return 0;
	}
	add_unit(etc, swap, name);
	if (size_of(swap))
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
		"[ -e /sys/class/zram-control ] || modprobe zram num_devices=0\n"
		"read -r n </sys/class/zram-control/hot_add\n"
		"cd /sys/block/zram$n\n"
		"(echo %s >comp_algorithm) 2>/dev/null || echo \"the kernel has no %s, zram uses $(cat comp_algorithm)\" >&2\n"
		"while read -r key value unit; do\n"
		"\t[ \"$key\" != MemTotal: ] || echo $((value * %lld / 100 * 1024)) >disksize\n"
		"done </proc/meminfo\n"
		"mkswap /dev/zram$n >/dev/null\n"
		"exec swapon --priority %lld /dev/zram$n\n",
		viv_config_string(config, "zramSwap.algorithm"), viv_config_string(config, "zramSwap.algorithm"),
		(long long)viv_config_int(config, "zramSwap.memoryPercent"),
		(long long)viv_config_int(config, "zramSwap.priority"));

	if (!viv_config_bool(config, zram))
		return;
	viv_etc_add_script(etc, zram, "usr/lib/viv/zram-swap", script);
	if (viv_uses_runit(config)) {
		viv_runit_add_boot(etc, zram, "31-zram-swap", "/usr/lib/viv/zram-swap\n");
		return;
	}
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
	VIV_STR boot = VIV_STR_INIT;
	bool has_files = false;
	json_t *swap;
	size_t i;
	int r = 0;

	json_array_foreach((json_t *)all, i, swap)
		if (r == 0)
			r = add_swap(etc, config, i, swap, &boot, &has_files, err);
	if (has_files)
		viv_etc_add_script(etc, option, &MAKE[1], make);
	if (boot.len)
		viv_runit_add_boot(etc, option, "30-swap", boot.data);
	add_zram(etc, config);
	return r;
}

static void packages(const struct viv_config *config, struct viv_strv *base VIV_UNUSED, struct viv_strv *ret)
{
	bool zram = viv_config_bool(config, "zramSwap.enable");

	if (zram && !viv_is_minimal(config))
		viv_strv_push(ret, "kmod");
	if (zram || json_array_size(viv_config_get(config, option)))
		viv_strv_push(ret, "mount"); /* swapon */
}

/* A root without modules; zram asks for what compresses by these names. */
static void modules(const struct viv_config *config, struct viv_strv *ret, struct viv_strv *optional)
{
	if (!viv_is_minimal(config) || !viv_config_bool(config, "zramSwap.enable"))
		return;
	viv_strv_push(ret, "zram");
	viv_strv_pushf(optional, "crypto-%s", viv_config_string(config, "zramSwap.algorithm"));
	viv_strv_push(optional, "crypto-lzo-rle"); /* the kernel's own */
}

const struct viv_area viv_area_swap = {.files = files, .packages = packages, .modules = modules};
