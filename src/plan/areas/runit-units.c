/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"
#include "plan/areas/runit-unit.h"
#include "plan/unit.h"

/*
 * systemd.services on runit: what runs for long becomes a service of runit's; what runs once (oneshot) is a
 * piece of stage 1, before all of those. What neither can do is an error with its place.
 */

static int VIV_PRINTF(4, 0) refuse(const struct viv_runit_unit *u, const char *option, struct viv_error *err,
				   const char *fmt, va_list ap)
{
	VIV_STR text = VIV_STR_INIT;

	viv_str_addv(&text, fmt, ap);
	viv_error_say(err, EINVAL, "%s: %s: %s on runit", viv_config_place(u->config, option), option, text.data);
	return viv_error_hint(err, "Write it as runit.services.%s, or set system.init = \"systemd\".",
			      u->service.name);
}

int viv_runit_refuse(const struct viv_runit_unit *u, const char *field, struct viv_error *err, const char *fmt, ...)
{
	VIV_FREE char *option = field ? viv_asprintf("%s.%s", u->service.option, field)
				      : viv_strdup(u->service.option);
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = refuse(u, option, err, fmt, ap);
	va_end(ap);
	return r;
}

int viv_runit_refuse_setting(const struct viv_runit_unit *u, const char *key, struct viv_error *err,
			     const char *fmt, ...)
{
	VIV_FREE char *option = viv_asprintf("%s.serviceConfig.%s", u->service.option, key);
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = refuse(u, option, err, fmt, ap);
	va_end(ap);
	return r;
}

/* What is taken of [Service], and what may be passed over: a hint to systemd alone. */
static const char *const known_settings[] = {
	"CacheDirectory", "Environment", "ExecStart", "ExecStartPre", "ExecStopPost", "Group", "LogsDirectory",
	"Nice", "RemainAfterExit", "Restart", "RestartSec", "RuntimeDirectory", "StandardError",
	"StandardOutput", "StateDirectory", "SyslogIdentifier", "TimeoutStartSec", "Type", "UMask", "User",
	"WorkingDirectory"};

/* Fields of the entry that must be empty. */
static const char *const unknown_fields[] = {"requisite", "bindsTo", "partOf",  "conflicts", "onFailure",
					     "unitConfig", "postStart", "preStop", "reload", "startAt"};

static bool is_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (viv_streq(s, list[i]))
			return true;
	return false;
}
#define IS_ONE_OF(s, list) is_one_of(s, list, VIV_ARRAY_SIZE(list))

static bool is_empty(const json_t *v)
{
	return !v || json_is_null(v) || (json_is_string(v) && !json_string_length(v)) ||
	       (json_is_array(v) && !json_array_size(v)) || (json_is_object(v) && !json_object_size(v));
}

static int check_known(const struct viv_runit_unit *u, struct viv_error *err)
{
	const char *key;
	json_t *v;

	if (viv_ends_with(u->service.name, "@"))
		return viv_runit_refuse(u, NULL, err, "there are no templates");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(unknown_fields); i++)
		if (!is_empty(json_object_get(u->service.all, unknown_fields[i])))
			return viv_runit_refuse(u, unknown_fields[i], err, "nothing stands for this");
	json_object_foreach((json_t *)u->service.settings, key, v) {
		if (!IS_ONE_OF(key, known_settings))
			return viv_runit_refuse_setting(u, key, err, "nothing stands for this");
	}
	return 0;
}

static int read_type(struct viv_runit_unit *u, struct viv_error *err)
{
	VIV_FREE char *type = viv_service_setting(&u->service, "Type");

	u->oneshot = type && viv_streq(type, "oneshot");
	if (!type || u->oneshot || viv_streq(type, "simple") || viv_streq(type, "exec") ||
	    viv_streq(type, "idle"))
		return 0;
	return viv_runit_refuse_setting(u, "Type", err, "\"%s\" can't be had (simple, exec and oneshot can)", type);
}

static void add_long(struct viv_runit_unit *u)
{
	VIV_FREE char *log = viv_runit_log(u);

	viv_runit_add_service(u->etc, u->service.option, &(struct viv_runit_service){
		.name = u->service.name, .run = u->run.data, .finish = u->finish.data, .log = log,
		.down = !u->wanted});
}

/* Started by hand (sv once NAME) where nothing wants it at boot. */
static void add_once(struct viv_runit_unit *u, size_t order)
{
	VIV_FREE char *name = viv_asprintf(VIV_RUNIT_BOOT_SERVICES "-%05zu-%s", order, u->service.name);

	if (u->wanted)
		viv_runit_add_boot(u->etc, u->service.option, name, u->run.data);
	else
		viv_runit_add_service(u->etc, u->service.option, &(struct viv_runit_service){
			.name = u->service.name, .run = u->run.data, .down = true});
}

static void free_unit(struct viv_runit_unit *u)
{
	viv_service_free(&u->service);
	viv_str_free(&u->run);
	viv_str_free(&u->finish);
}

static int translate(struct viv_etc *etc, const struct viv_config *config, const struct viv_strv *reached,
		     const char *name, size_t order, struct viv_error *err)
{
	VIV_CLEANUP(free_unit) struct viv_runit_unit u = {.etc = etc, .config = config, .reached = reached};
	VIV_FREE char *unit = viv_asprintf("%s.service", name);
	int r;

	viv_service_get(name, json_object_get(viv_config_get(config, "systemd.services"), name), &u.service);
	if (viv_is_minimal(config))
		u.service.shell = "/bin/sh";
	if (!u.service.enable)
		return 0;
	u.wanted = viv_strv_has(reached, unit);
	r = check_known(&u, err);
	if (r == 0)
		r = read_type(&u, err);
	if (r == 0)
		r = viv_runit_check_units(&u, err);
	if (r == 0)
		r = viv_runit_add_scripts(&u, err);
	if (r < 0)
		return r;
	if (u.oneshot)
		add_once(&u, order);
	else
		add_long(&u);
	return 0;
}

static void add_targets(struct viv_etc *etc, struct viv_strv *reached)
{
	struct viv_str text = VIV_STR_INIT;

	viv_strv_sort(reached);
	for (size_t i = 0; i < reached->count; i++)
		if (viv_ends_with(reached->items[i], ".target"))
			viv_str_addf(&text, "%s\n", reached->items[i]);
	viv_etc_add(etc, NULL, VIV_RUNIT_TARGETS, VIV_ETC_FILE, 0644, &text);
}

int viv_runit_add_units(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	VIV_STRV sorted = VIV_STRV_INIT, reached = VIV_STRV_INIT;
	int r = viv_runit_sort(config, &sorted, err);

	viv_runit_reach(config, &reached);
	add_targets(etc, &reached);
	for (size_t i = 0; r == 0 && i < sorted.count; i++)
		r = translate(etc, config, &reached, sorted.items[i], i, err);
	return r;
}
