/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* boot.sysctl and boot.tmp. */

static const char option[] = "boot.sysctl";

/* The caller frees it; NULL: it is to be left as it is. */
static char *text_of(const json_t *value)
{
	if (json_is_null(value))
		return NULL;
	if (json_is_string(value))
		return viv_strdup(json_string_value(value));
	if (json_is_boolean(value))
		return viv_strdup(json_is_true(value) ? "1" : "0");
	return viv_asprintf("%lld", (long long)json_integer_value(value));
}

static void add_sysctl(struct viv_etc *etc, const struct viv_config *config)
{
	const json_t *all = viv_config_get(config, option);
	VIV_STRV names = VIV_STRV_INIT;
	struct viv_str s = VIV_STR_INIT;

	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count; i++) {
		VIV_FREE char *value = text_of(json_object_get(all, names.items[i]));

		if (value)
			viv_str_addf(&s, "%s = %s\n", names.items[i], value);
	}
	/* After all that packages bring. */
	if (s.len)
		viv_etc_add(etc, option, "etc/sysctl.d/zz-viv.conf", VIV_ETC_FILE, 0644, &s);
}

static void add_tmp(struct viv_etc *etc, const struct viv_config *config)
{
	static const char tmpfs[] = "boot.tmp.useTmpfs", clean[] = "boot.tmp.cleanOnBoot";

	if (!viv_uses_systemd(config))
		return;
	/* Debian 12 has the unit only as an example, Debian 13 uses it anyway. */
	if (viv_config_bool(config, tmpfs)) {
		const json_t *size = viv_config_get(config, "boot.tmp.tmpfsSize");
		VIV_FREE char *amount = text_of(size);
		VIV_FREE char *text = viv_asprintf(
			"[Unit]\n"
			"Description=/tmp in memory\n"
			"ConditionPathIsSymbolicLink=!/tmp\n"
			"DefaultDependencies=no\n"
			"Conflicts=umount.target\n"
			"Before=local-fs.target umount.target\n"
			"After=swap.target\n"
			"[Mount]\n"
			"What=tmpfs\n"
			"Where=/tmp\n"
			"Type=tmpfs\n"
			"Options=mode=1777,strictatime,nosuid,nodev,size=%s\n", amount);

		viv_etc_add_text(etc, tmpfs, VIV_ETC_UNITS "tmp.mount", text);
		viv_etc_add_link(etc, tmpfs, VIV_ETC_UNITS "local-fs.target.wants/tmp.mount", "../tmp.mount");
	}
	/* D: emptied by systemd-tmpfiles --remove at the start; before the shares are mounted there. */
	if (viv_config_bool(config, clean))
		viv_etc_add_text(etc, clean, "etc/tmpfiles.d/00-viv-tmp.conf", "D! /tmp 1777 root root 0\n");
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err VIV_UNUSED)
{
	if (viv_uses_systemd(config))
		add_sysctl(etc, config);
	add_tmp(etc, config);
	return 0;
}

/* The kernel sets them itself where nobody else does (Documentation/admin-guide, sysctl.*). */
static void params(const struct viv_config *config, struct viv_strv *ret)
{
	const json_t *all = viv_config_get(config, option);
	VIV_STRV names = VIV_STRV_INIT;

	if (viv_uses_systemd(config))
		return;
	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count; i++) {
		VIV_FREE char *value = text_of(json_object_get(all, names.items[i]));
		const char *quote = value && strpbrk(value, " \t") ? "\"" : "";

		if (value)
			viv_strv_pushf(ret, "sysctl.%s=%s%s%s", names.items[i], quote, value, quote);
	}
}

const struct viv_area viv_area_sysctl = {.files = files, .params = params};
