/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "plan/service.h"
#include "plan/unit.h"

/* systemd.*: the units that options describe, and what starts them. */

/* Fields that are a line of words in [Unit]. */
static const struct {
	const char *option, *key;
} unit_lists[] = {
	{"documentation", "Documentation"}, {"after", "After"},	      {"before", "Before"},
	{"wants", "Wants"},		    {"requires", "Requires"}, {"requisite", "Requisite"},
	{"bindsTo", "BindsTo"},		    {"partOf", "PartOf"},     {"conflicts", "Conflicts"},
	{"onFailure", "OnFailure"},
};

static void add_unit_section(struct viv_unit *u, const json_t *entry)
{
	viv_unit_set(u, "Unit", "Description", viv_json_str(entry, "description"));
	for (size_t i = 0; i < VIV_ARRAY_SIZE(unit_lists); i++)
		viv_unit_set_words(u, "Unit", unit_lists[i].key,
				   json_object_get(entry, unit_lists[i].option));
	viv_unit_set_all(u, "Unit", json_object_get(entry, "unitConfig"));
}

/* Links in TARGET.wants or TARGET.requires, each once. */
static void add_links(struct viv_etc *etc, const char *option, const char *unit, const json_t *entry,
		      const char *field, const char *kind)
{
	VIV_STRV targets = VIV_STRV_INIT;
	VIV_FREE char *to = viv_asprintf("/" VIV_ETC_UNITS "%s", unit);
	json_t *target;
	size_t i;

	json_array_foreach(json_object_get(entry, field), i, target)
		viv_strv_push(&targets, json_string_value(target));
	viv_strv_uniq(&targets);
	for (i = 0; i < targets.count; i++) {
		VIV_FREE char *path =
			viv_asprintf(VIV_ETC_UNITS "%s.%s/%s", targets.items[i], kind, unit);

		viv_etc_add_link(etc, option, path, to);
	}
}

/* `reset`: what stands before it in a drop-in. The text is taken. */
static void add_unit(struct viv_etc *etc, const char *option, const char *unit, const json_t *entry,
		     struct viv_unit *u, const char *reset)
{
	VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "%s", unit);
	struct viv_etc_file *f;

	if (!json_is_true(json_object_get(entry, "enable"))) {
		viv_str_free(&u->text);
		viv_etc_add_link(etc, option, path, "/dev/null");
		return;
	}
	/* An empty file would mask it. */
	if (!u->text.len)
		viv_str_add(&u->text, "[Unit]\n");
	f = viv_etc_add(etc, option, path, VIV_ETC_FILE, 0644, &u->text);
	f->drop_in = viv_strdup(reset);
	add_links(etc, option, unit, entry, "wantedBy", "wants");
	add_links(etc, option, unit, entry, "requiredBy", "requires");
}

/* A path as the word of a command line in a unit. */
static char *command_word(const char *path)
{
	VIV_STR s = VIV_STR_INIT;

	for (; *path; path++) {
		if (*path == '\\')
			viv_str_add_char(&s, '\\');
		viv_str_add_char(&s, *path);
	}
	return viv_str_steal(&s);
}

static void add_environment(struct viv_unit *u, const json_t *environment)
{
	VIV_STRV names = VIV_STRV_INIT;

	viv_json_keys(environment, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *value = viv_json_str(environment, names.items[i]);

		if (value)
			viv_unit_set_variable(u, names.items[i], value);
	}
}

static const char *const commands[] = {"ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost",
				       "ExecReload",	"ExecStop",	"ExecStopPost"};

/* Commands take the place of those in a package's unit: each key that is given begins anew. */
static char *reset_commands(const struct viv_service *s)
{
	VIV_STR text = VIV_STR_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(commands); i++) {
		bool given = json_object_get(s->settings, commands[i]);

		for (size_t k = 0; k < VIV_N_SCRIPTS; k++)
			given |= s->scripts[k] && viv_streq(viv_script_kinds[k].key, commands[i]);
		if (given)
			viv_str_addf(&text, "%s%s=\n", text.len ? "" : "[Service]\n", commands[i]);
	}
	if (text.len)
		viv_str_add_char(&text, '\n');
	return viv_str_steal(&text);
}

static void add_service(struct viv_etc *etc, const char *name, const json_t *entry)
{
	VIV_CLEANUP(viv_service_free) struct viv_service s;
	VIV_FREE char *unit = viv_asprintf("%s.service", name), *reset = NULL;
	struct viv_unit u = {0};

	viv_service_get(name, entry, &s);
	add_unit_section(&u, entry);
	add_environment(&u, s.environment);
	viv_unit_set_all(&u, "Service", s.settings);
	for (size_t i = 0; i < VIV_N_SCRIPTS; i++) {
		VIV_FREE char *path = viv_service_script_path(&s, i), *word = command_word(path);

		if (s.scripts[i])
			viv_unit_set(&u, "Service", viv_script_kinds[i].key, word);
	}
	if (s.enable)
		viv_service_add_scripts(etc, &s);
	reset = reset_commands(&s);
	add_unit(etc, s.option, unit, entry, &u, reset);
}

/* Units that are their sections and no more. */
static const struct kind {
	const char *option, *ending, *section, *settings;
	const char *lists[2][2]; /* fields of their own, and their keys */
} kinds[] = {
	{"systemd.timers", "timer", "Timer", "timerConfig", {{"startAt", "OnCalendar"}}},
	{"systemd.sockets", "socket", "Socket", "socketConfig",
	 {{"listenStreams", "ListenStream"}, {"listenDatagrams", "ListenDatagram"}}},
	{"systemd.targets", "target", NULL, NULL, {{NULL}}},
}, *const timers = &kinds[0];

static void add_plain(struct viv_etc *etc, const struct kind *k, const char *option, const char *name, const json_t *entry)
{
	VIV_FREE char *unit = viv_asprintf("%s.%s", name, k->ending);
	struct viv_unit u = {0};

	add_unit_section(&u, entry);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(k->lists) && k->lists[i][0]; i++)
		viv_unit_set_json(&u, k->section, k->lists[i][1], json_object_get(entry, k->lists[i][0]));
	if (k->section)
		viv_unit_set_all(&u, k->section, json_object_get(entry, k->settings));
	add_unit(etc, option, unit, entry, &u, "");
}

/* When a service says that it starts; NULL: it doesn't. */
static const json_t *start_of(const struct viv_config *config, const char *service)
{
	const json_t *entry = json_object_get(viv_config_get(config, "systemd.services"), service);
	const json_t *at = json_object_get(entry, "startAt");
	bool given = json_is_string(at) || json_array_size(at);

	return given && json_is_true(json_object_get(entry, "enable")) ? at : NULL;
}

/* What a service says of its times, and what stands for itself: of one name they are one timer. */
static void add_starts(struct viv_etc *etc, const struct viv_config *config)
{
	const char *name;
	json_t *service;

	json_object_foreach((json_t *)viv_config_get(config, "systemd.services"), name, service) {
		VIV_FREE char *all = viv_unit_option("systemd.services", name), *option = viv_asprintf("%s.startAt", all);
		const json_t *at = start_of(config, name);
		const json_t *timer = json_object_get(viv_config_get(config, timers->option), name);
		VIV_JSON *own = timer ? json_deep_copy(timer) : json_pack("{s:b, s:[]}", "enable", 1, "wantedBy");

		if (!at)
			continue;
		json_array_append_new(json_object_get(own, "wantedBy"), json_string("timers.target"));
		json_object_set(own, "startAt", (json_t *)at);
		add_plain(etc, timers, option, name, own);
	}
}

static void add_kind(struct viv_etc *etc, const struct viv_config *config, const struct kind *k)
{
	const char *name;
	json_t *entry;

	json_object_foreach((json_t *)viv_config_get(config, k->option), name, entry) {
		VIV_FREE char *option = viv_unit_option(k->option, name);

		if (k != timers || !start_of(config, name))
			add_plain(etc, k, option, name, entry);
	}
}

/* Nothing in it is a specifier. */
static char *literal(const char *text)
{
	VIV_STR s = VIV_STR_INIT;

	for (; text && *text; text++)
		viv_str_addf(&s, "%s%c", *text == '%' ? "%" : "", *text);
	return viv_str_steal(&s);
}

static void add_mounts(struct viv_etc *etc, const struct viv_config *config)
{
	static const struct {
		const char *option, *key;
	} keys[] = {{"what", "What"}, {"where", "Where"}, {"type", "Type"}, {"options", "Options"}};
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)viv_config_get(config, "systemd.mounts"), i, entry) {
		VIV_FREE char *name = viv_unit_escape_path(viv_json_str(entry, "where"));
		VIV_FREE char *unit = viv_asprintf("%s.mount", name);
		struct viv_unit u = {0};

		add_unit_section(&u, entry);
		for (size_t k = 0; k < VIV_ARRAY_SIZE(keys); k++) {
			VIV_FREE char *value = literal(viv_json_str(entry, keys[k].option));

			viv_unit_set(&u, "Mount", keys[k].key, value);
		}
		viv_unit_set_all(&u, "Mount", json_object_get(entry, "mountConfig"));
		add_unit(etc, "systemd.mounts", unit, entry, &u, "");
	}
}

static void add_tmpfiles(struct viv_etc *etc, const struct viv_config *config)
{
	static const char option[] = "systemd.tmpfiles.rules";
	struct viv_str s = VIV_STR_INIT;
	json_t *rule;
	size_t i;

	json_array_foreach((json_t *)viv_config_get(config, option), i, rule)
		viv_str_addf(&s, "%s\n", json_string_value(rule));
	if (s.len)
		viv_etc_add(etc, option, "etc/tmpfiles.d/viv.conf", VIV_ETC_FILE, 0644, &s);
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	const char *name;
	json_t *entry;

	if (!viv_uses_systemd(config))
		return 0;
	json_object_foreach((json_t *)viv_config_get(config, "systemd.services"), name, entry)
		add_service(etc, name, entry);
	add_starts(etc, config);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(kinds); i++)
		add_kind(etc, config, &kinds[i]);
	add_mounts(etc, config);
	add_tmpfiles(etc, config);
	return 0;
}

static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	viv_service_push_packages(ret, config);
}

const struct viv_area viv_area_units = {.files = files, .packages = packages};
