/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "plan/areas/runit.h"
#include "plan/unit.h"

/* Small services that a package brings, and what is set of them: cron, journald. */

static bool has_cron(const struct viv_config *config)
{
	return viv_config_bool(config, "services.cron.enable") ||
	       json_array_size(viv_config_get(config, "services.cron.systemCronJobs"));
}

static void add_cron(struct viv_etc *etc, const struct viv_config *config)
{
	static const char option[] = "services.cron.systemCronJobs";
	static const struct viv_runit_service service = {.name = "cron", .run = "exec cron -f"};
	struct viv_str s = VIV_STR_INIT;
	json_t *job;
	size_t i;

	if (!has_cron(config))
		return;
	if (!viv_uses_systemd(config))
		viv_runit_add_service(etc, "services.cron.enable", &service);
	viv_str_add(&s, "SHELL=/bin/bash\n"
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
	json_array_foreach((json_t *)viv_config_get(config, option), i, job)
		viv_str_addf(&s, "%s\n", json_string_value(job));
	viv_etc_add(etc, option, "etc/cron.d/viv", VIV_ETC_FILE, 0644, &s);
}

/* journald.conf(5), of systemd 252 to 257. */
static const char *const journald_keys[] = {
	"Audit", "Compress", "ForwardToConsole", "ForwardToKMsg", "ForwardToSocket", "ForwardToSyslog",
	"ForwardToWall", "LineMax", "MaxFileSec", "MaxLevelConsole", "MaxLevelKMsg", "MaxLevelSocket",
	"MaxLevelStore", "MaxLevelSyslog", "MaxLevelWall", "MaxRetentionSec", "RateLimitBurst",
	"RateLimitInterval", "RateLimitIntervalSec", "ReadKMsg", "RuntimeKeepFree", "RuntimeMaxFileSize",
	"RuntimeMaxFiles", "RuntimeMaxUse", "Seal", "SplitMode", "Storage", "SyncIntervalSec",
	"SystemKeepFree", "SystemMaxFileSize", "SystemMaxFiles", "SystemMaxUse", "TTYPath",
};

static int check_key(const struct viv_unit_setting *s, void *arg VIV_UNUSED, struct viv_error *err)
{
	VIV_FREE char *key = viv_slice_printable(s->key);
	VIV_STRV near = VIV_STRV_INIT;

	if (!viv_streq(s->section, "Journal"))
		return 0;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(journald_keys); i++)
		if (viv_slice_eq(s->key, journald_keys[i]))
			return 0;
	viv_suggest(key, journald_keys, VIV_ARRAY_SIZE(journald_keys), 1, &near);
	viv_error_say(err, EINVAL, "line %zu sets %s, which journald hasn't got", s->line, key);
	if (near.count)
		viv_error_hint(err, "Did you mean %s?", near.items[0]);
	return -EINVAL;
}

/* Lines that journald would pass over. */
static int check_extra(const struct viv_config *config, const char *option, const char *lines, struct viv_error *err)
{
	VIV_FREE char *text = viv_asprintf("[Journal]\n%s", lines);

	if (viv_unit_parse(viv_slice(text), "journald.conf", check_key, NULL, err) == 0)
		return 0;
	return viv_error_context(err, "%s: %s, after a line [Journal]", viv_config_place(config, option), option);
}

/* What nobody sets stays Debian's. */
static int add_journald(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	static const struct {
		const char *option, *key;
	} rows[] = {
		{"services.journald.forwardToSyslog", "ForwardToSyslog"},
		{"services.journald.rateLimitBurst", "RateLimitBurst"},
		{"services.journald.rateLimitInterval", "RateLimitIntervalSec"},
		{"services.journald.storage", "Storage"},
	};
	static const char extra[] = "services.journald.extraConfig";
	const char *lines = viv_config_string(config, extra), *option = NULL;
	struct viv_unit u = {0};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		if (viv_streq(viv_config_place(config, rows[i].option), "default"))
			continue;
		option = rows[i].option;
		viv_unit_set_json(&u, "Journal", rows[i].key, viv_config_get(config, option));
	}
	if (lines && *lines) {
		option = extra;
		viv_str_addf(&u.text, "%s%s%s", u.section ? "" : "[Journal]\n", lines,
			     viv_ends_with(lines, "\n") ? "" : "\n");
	}
	if (option)
		viv_etc_add(etc, option, "etc/systemd/journald.conf.d/viv.conf", VIV_ETC_FILE, 0644, &u.text);
	return lines ? check_extra(config, extra, lines, err) : 0;
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	add_cron(etc, config);
	return viv_uses_systemd(config) ? add_journald(etc, config, err) : 0;
}

static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	if (has_cron(config))
		viv_strv_push(ret, "cron");
}

const struct viv_area viv_area_services = {.files = files, .packages = packages};
