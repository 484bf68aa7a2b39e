/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"
#include "plan/areas/runit.h"
#include "plan/exec-line.h"
#include "plan/service.h"
#include "plan/unit.h"

/*
 * systemd.services on runit: what runs for long becomes a service of runit's; what runs once (oneshot) is a
 * piece of stage 1, before all of those. What neither can do is an error with its place.
 */

struct translating {
	struct viv_etc *etc;
	const struct viv_config *config;
	struct viv_service service;
	bool oneshot;
	struct viv_str run, finish;
};

static int VIV_PRINTF(4, 5) refuse(const struct translating *t, const char *field, struct viv_error *err,
				   const char *fmt, ...)
{
	VIV_FREE char *option = field ? viv_asprintf("%s.%s", t->service.option, field)
				      : viv_strdup(t->service.option);
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	viv_error_say(err, EINVAL, "%s: %s: %s on runit", viv_config_place(t->config, option), option, text.data);
	return viv_error_hint(err, "Write it as runit.services.%s, or set system.init = \"systemd\".",
			      t->service.name);
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

static int check_known(const struct translating *t, struct viv_error *err)
{
	const char *key;
	json_t *v;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(unknown_fields); i++)
		if (!is_empty(json_object_get(t->service.all, unknown_fields[i])))
			return refuse(t, unknown_fields[i], err, "nothing stands for this");
	json_object_foreach((json_t *)t->service.settings, key, v) {
		VIV_FREE char *field = viv_asprintf("serviceConfig.%s", key);

		if (!IS_ONE_OF(key, known_settings))
			return refuse(t, field, err, "nothing stands for this");
	}
	return 0;
}

static int read_type(struct translating *t, struct viv_error *err)
{
	VIV_FREE char *type = viv_service_setting(&t->service, "Type");

	t->oneshot = type && viv_streq(type, "oneshot");
	if (!type || t->oneshot || viv_streq(type, "simple") || viv_streq(type, "exec") ||
	    viv_streq(type, "idle"))
		return 0;
	return refuse(t, "serviceConfig.Type", err, "\"%s\" can't be had (simple, exec and oneshot can)", type);
}

static const json_t *entry_of(const struct translating *t, const char *unit)
{
	VIV_FREE char *name = NULL;

	if (!viv_ends_with(unit, ".service"))
		return NULL;
	name = viv_strndup(unit, strlen(unit) - strlen(".service"));
	return json_object_get(viv_config_get(t->config, "systemd.services"), name);
}

static bool is_oneshot(const json_t *entry)
{
	const char *type = viv_json_str(json_object_get(entry, "serviceConfig"), "Type");

	return type && viv_streq(type, "oneshot");
}

/* Targets are all reached before services start; other units must be services of the file. */
static int check_units(const struct translating *t, const char *field, struct viv_error *err)
{
	json_t *unit;
	size_t i;

	json_array_foreach(json_object_get(t->service.all, field), i, unit) {
		const char *name = json_string_value(unit);
		const json_t *other = entry_of(t, name);

		if (viv_ends_with(name, ".target"))
			continue;
		if (!other && viv_ends_with(name, ".service") &&
		    (viv_streq(field, "after") || viv_streq(field, "before") || viv_streq(field, "wants")))
			continue; /* systemd passes over them, too */
		if (!other)
			return refuse(t, field, err, "there is no %s", name);
		if (viv_streq(field, "after") && t->oneshot && !is_oneshot(other))
			return refuse(t, field, err, "what runs once runs before %s and all services: it can't wait "
				      "for it", name);
	}
	return 0;
}

/* Does something start it at boot? */
static bool is_wanted(const struct translating *t)
{
	VIV_FREE char *unit = viv_asprintf("%s.service", t->service.name);
	static const char *const pulls[] = {"wants", "requires"};
	const char *name;
	json_t *other, *v;
	size_t i;

	if (json_array_size(json_object_get(t->service.all, "wantedBy")) ||
	    json_array_size(json_object_get(t->service.all, "requiredBy")))
		return true;
	json_object_foreach((json_t *)viv_config_get(t->config, "systemd.services"), name, other)
		for (size_t k = 0; k < VIV_ARRAY_SIZE(pulls); k++)
			json_array_foreach(json_object_get(other, pulls[k]), i, v)
				if (viv_streq(json_string_value(v), unit) &&
				    json_array_size(json_object_get(other, "wantedBy")))
					return true;
	return false;
}

/* chpst(8) takes a user's other groups away: those that the configuration gives are named. */
static int add_user(struct translating *t, struct viv_str *prefix, struct viv_error *err)
{
	VIV_FREE char *user = viv_service_setting(&t->service, "User");
	VIV_FREE char *group = viv_service_setting(&t->service, "Group");
	VIV_FREE char *nice = viv_service_setting(&t->service, "Nice");
	const json_t *entry = json_object_get(viv_config_get(t->config, "users.users"), user ? user : "");
	const char *own = viv_json_str(entry, "group");
	json_t *more;
	size_t i;

	if (group && !user)
		return refuse(t, "serviceConfig.Group", err, "it takes a User, too,");
	if (!user && !nice)
		return 0;
	viv_str_add(prefix, "chpst ");
	if (nice) {
		viv_str_add(prefix, "-n ");
		viv_str_add_quoted(prefix, nice);
		viv_str_add_char(prefix, ' ');
	}
	if (!user)
		return 0;
	viv_str_addf(&t->run, "USER=%s LOGNAME=%s HOME=~%s\nexport USER LOGNAME HOME\n", user,
		     user, user);
	viv_str_addf(prefix, "-u %s", user);
	if (group || own)
		viv_str_addf(prefix, ":%s", group ? group : own);
	json_array_foreach(json_object_get(entry, "extraGroups"), i, more)
		if (group || own)
			viv_str_addf(prefix, ":%s", json_string_value(more));
	viv_str_add_char(prefix, ' ');
	return 0;
}

static int add_environment(struct translating *t, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT, words = VIV_STRV_INIT;
	VIV_FREE char *more = viv_service_setting(&t->service, "Environment");

	if (viv_exec_words(more ? more : "", &words, err) < 0)
		return refuse(t, "serviceConfig.Environment", err, "such a value can't be had");
	viv_json_keys(t->service.environment, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *value = viv_json_str(t->service.environment, names.items[i]);

		if (value)
			viv_strv_pushf(&words, "%s=%s", names.items[i], value);
	}
	for (size_t i = 0; i < words.count; i++) {
		char *equals = strchr(words.items[i], '=');

		if (!equals)
			continue;
		viv_str_addf(&t->run, "export %.*s=", (int)(equals - words.items[i]), words.items[i]);
		viv_str_add_quoted(&t->run, equals + 1);
		viv_str_add_char(&t->run, '\n');
	}
	return 0;
}

/* RuntimeDirectory= and its like: names below a folder, which belong to the user. */
static void add_folders(struct translating *t)
{
	static const char *const kinds[][2] = {{"RuntimeDirectory", "/run"}, {"StateDirectory", "/var/lib"},
					       {"CacheDirectory", "/var/cache"}, {"LogsDirectory", "/var/log"}};
	VIV_FREE char *user = viv_service_setting(&t->service, "User");
	VIV_FREE char *group = viv_service_setting(&t->service, "Group");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(kinds); i++) {
		VIV_FREE char *names = viv_service_setting(&t->service, kinds[i][0]);
		struct viv_slice rest = viv_slice(names ? names : ""), word;

		while (viv_slice_word(&rest, &word)) {
			VIV_FREE char *path = viv_asprintf("%s/%.*s", kinds[i][1], (int)word.len, word.data);

			viv_str_add(&t->run, "mkdir -p ");
			viv_str_add_quoted(&t->run, path);
			viv_str_addf(&t->run, "\nchown %s:%s ", user ? user : "root", group ? group : "");
			viv_str_add_quoted(&t->run, path);
			viv_str_add_char(&t->run, '\n');
		}
	}
}

static int add_line(struct translating *t, const char *key, const char *line, const char *prefix,
		    const char *before, struct viv_str *to, struct viv_error *err)
{
	VIV_CLEANUP(viv_exec_line_free) struct viv_exec_line l = {0};
	VIV_ERROR why = VIV_ERROR_INIT;
	VIV_FREE char *field = viv_asprintf("serviceConfig.%s", key);

	if (viv_exec_line_parse(line, &l, &why) < 0)
		return refuse(t, field, err, "%s can't be had", why.msg);
	viv_str_addf(to, "%s%s%s%s\n", before, prefix, l.shell.data, l.may_fail && !*before ? " || :" : "");
	return 0;
}

/* All of a key's commands; ret_n: how many. */
static int add_lines(struct translating *t, const char *key, const char *prefix, const char *before,
		     struct viv_str *to, size_t *ret_n, struct viv_error *err)
{
	const json_t *v = json_object_get(t->service.settings, key);
	json_t *item;
	size_t i;
	int r = 0;

	*ret_n = json_is_array(v) ? json_array_size(v) : json_is_string(v);
	if (json_is_string(v))
		return add_line(t, key, json_string_value(v), prefix, before, to, err);
	json_array_foreach((json_t *)v, i, item)
		if (r == 0)
			r = add_line(t, key, json_is_string(item) ? json_string_value(item) : "", prefix, before,
				     to, err);
	return r;
}

static void add_script(struct translating *t, enum viv_script which, const char *prefix, const char *before,
		       struct viv_str *to)
{
	VIV_FREE char *path = viv_service_script_path(&t->service, which);

	if (t->service.scripts[which])
		viv_str_addf(to, "%s%s%s\n", before, prefix, path);
}

/* The script up to what becomes the service. */
static int add_commands(struct translating *t, struct viv_error *err)
{
	VIV_FREE char *folder = viv_service_setting(&t->service, "WorkingDirectory");
	VIV_FREE char *mask = viv_service_setting(&t->service, "UMask");
	VIV_FREE char *output = viv_service_setting(&t->service, "StandardOutput");
	const char *before = t->oneshot ? "" : "exec ";
	VIV_STR prefix = VIV_STR_INIT;
	size_t n = 0;
	int r;

	viv_str_add(&t->run, "set -e\n");
	if (output && viv_streq(output, "null"))
		viv_str_add(&t->run, "exec >/dev/null 2>&1\n");
	add_folders(t);
	if (folder) {
		viv_str_add(&t->run, "cd ");
		viv_str_add_quoted(&t->run, viv_streq(folder, "~") ? "/" : folder);
		viv_str_add_char(&t->run, '\n');
	}
	if (mask)
		viv_str_addf(&t->run, "umask %s\n", mask);
	r = add_environment(t, err);
	if (r == 0)
		r = add_user(t, &prefix, err);
	if (r == 0)
		r = add_lines(t, "ExecStartPre", prefix.data ? prefix.data : "", "", &t->run, &n, err);
	if (r < 0)
		return r;
	add_script(t, VIV_SCRIPT_PRE_START, prefix.data ? prefix.data : "", "", &t->run);
	r = add_lines(t, "ExecStart", prefix.data ? prefix.data : "", before, &t->run, &n, err);
	if (r < 0)
		return r;
	add_script(t, VIV_SCRIPT_START, prefix.data ? prefix.data : "", before, &t->run);
	n += t->service.scripts[VIV_SCRIPT_START] != NULL;
	if (!n)
		return refuse(t, NULL, err, "it has neither script nor ExecStart: a package's unit is systemd's, and does "
			      "nothing");
	return n > 1 && !t->oneshot ? refuse(t, "serviceConfig.ExecStart", err, "one command runs for long, not %zu,", n)
				    : 0;
}

/* When it is not started again, and how long that takes. runsv starts it again a second later. */
static int add_restart(struct translating *t, struct viv_error *err)
{
	static const char *const kinds[][2] = {
		{"no", "true"}, {"always", "false"}, {"on-failure", "[ \"$1\" = 0 ]"},
		{"on-success", "[ \"$1\" != 0 ]"}, {"on-abnormal", "[ \"$1\" != -1 ]"},
		{"on-abort", "[ \"$1\" != -1 ]"}};
	VIV_FREE char *restart = viv_service_setting(&t->service, "Restart");
	VIV_FREE char *pause = viv_service_setting(&t->service, "RestartSec");
	size_t digits = pause ? strspn(pause, "0123456789") : 0, i = 0;

	while (restart && i < VIV_ARRAY_SIZE(kinds) && !viv_streq(restart, kinds[i][0]))
		i++;
	if (i == VIV_ARRAY_SIZE(kinds))
		return refuse(t, "serviceConfig.Restart", err, "\"%s\" can't be had", restart);
	if (pause && (!digits || !(viv_streq(pause + digits, "") || viv_streq(pause + digits, "s"))))
		return refuse(t, "serviceConfig.RestartSec", err, "\"%s\" can't be had (whole seconds can)", pause);
	if (i != 1)
		viv_str_addf(&t->finish, "if %s; then\n\tprintf d >supervise/control\n\texit\nfi\n", kinds[i][1]);
	if (pause)
		viv_str_addf(&t->finish, "sleep %.*s\n", (int)digits, pause);
	return 0;
}

static int add_long(struct translating *t, struct viv_error *err)
{
	VIV_FREE char *log = viv_asprintf("mkdir -p /var/log/%s\nexec svlogd -tt /var/log/%s\n", t->service.name,
					  t->service.name);
	VIV_FREE char *output = viv_service_setting(&t->service, "StandardOutput");
	bool to_console = output && (viv_streq(output, "tty") || viv_streq(output, "journal+console"));
	size_t n;
	int r = add_lines(t, "ExecStopPost", "", "", &t->finish, &n, err);

	add_script(t, VIV_SCRIPT_POST_STOP, "", "", &t->finish);
	if (r == 0)
		r = add_restart(t, err);
	if (r == 0)
		viv_runit_add_service(t->etc, t->service.option, &(struct viv_runit_service){
			.name = t->service.name, .run = t->run.data, .finish = t->finish.data,
			.log = to_console ? NULL : log, .down = !is_wanted(t)});
	return r;
}

/* Started by hand (sv once NAME) where nothing wants it at boot. */
static void add_once(struct translating *t, size_t order)
{
	VIV_FREE char *name = viv_asprintf(VIV_RUNIT_BOOT_SERVICES "-%05zu-%s", order, t->service.name);

	if (is_wanted(t))
		viv_runit_add_boot(t->etc, t->service.option, name, t->run.data);
	else
		viv_runit_add_service(t->etc, t->service.option, &(struct viv_runit_service){
			.name = t->service.name, .run = t->run.data, .down = true});
}

static void free_translating(struct translating *t)
{
	viv_service_free(&t->service);
	viv_str_free(&t->run);
	viv_str_free(&t->finish);
}

static int translate(struct viv_etc *etc, const struct viv_config *config, const char *name, size_t order,
		     struct viv_error *err)
{
	static const char *const fields[] = {"after", "before", "wants", "requires"};
	VIV_CLEANUP(free_translating) struct translating t = {.etc = etc, .config = config};
	int r;

	viv_service_get(name, json_object_get(viv_config_get(config, "systemd.services"), name), &t.service);
	if (viv_is_minimal(config))
		t.service.shell = "/bin/sh";
	if (!t.service.enable)
		return 0;
	r = check_known(&t, err);
	if (r == 0)
		r = read_type(&t, err);
	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(fields); i++)
		r = check_units(&t, fields[i], err);
	if (r == 0)
		r = add_commands(&t, err);
	if (r < 0)
		return r;
	viv_service_add_scripts(etc, &t.service);
	if (!t.oneshot)
		return add_long(&t, err);
	add_once(&t, order);
	return 0;
}

/* In which order those run that run once. */

struct order {
	const struct viv_config *config;
	const json_t *services;
	struct viv_strv names, done, way; /* way: those that are waited for, for messages */
};

static bool names_unit(const json_t *entry, const char *field, const char *name)
{
	VIV_FREE char *unit = viv_asprintf("%s.service", name);
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(entry, field), i, v)
		if (viv_streq(json_string_value(v), unit))
			return true;
	return false;
}

static int visit(struct order *o, const char *name, struct viv_error *err)
{
	const json_t *entry = json_object_get(o->services, name);
	int r = 0;

	if (viv_strv_has(&o->done, name))
		return 0;
	if (viv_strv_has(&o->way, name)) {
		VIV_FREE char *option = viv_unit_option("systemd.services", name);
		VIV_FREE char *way = NULL;

		viv_strv_push(&o->way, name);
		way = viv_strv_join(&o->way, " -> ");
		return viv_error_say(err, ELOOP, "%s: %s: a cycle of services that wait for each other: %s",
				     viv_config_place(o->config, option), option, way);
	}
	viv_strv_push(&o->way, name);
	for (size_t i = 0; r == 0 && i < o->names.count; i++)
		if (names_unit(entry, "after", o->names.items[i]) ||
		    names_unit(json_object_get(o->services, o->names.items[i]), "before", name))
			r = visit(o, o->names.items[i], err);
	free(o->way.items[--o->way.count]);
	o->way.items[o->way.count] = NULL;
	viv_strv_push(&o->done, name);
	return r;
}

static void free_order(struct order *o)
{
	viv_strv_free(&o->names);
	viv_strv_free(&o->done);
	viv_strv_free(&o->way);
}

int viv_runit_add_units(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	VIV_CLEANUP(free_order) struct order o = {
		.config = config, .services = viv_config_get(config, "systemd.services")};
	int r = 0;

	viv_json_keys(o.services, &o.names);
	for (size_t i = 0; r == 0 && i < o.names.count; i++)
		r = visit(&o, o.names.items[i], err);
	for (size_t i = 0; r == 0 && i < o.done.count; i++)
		r = translate(etc, config, o.done.items[i], i, err);
	return r;
}
