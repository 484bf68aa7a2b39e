/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "base/fd.h"
#include "base/path.h"

#define MAX_SOURCE ((size_t)64 << 20)

#define OWN_VARIABLES "etc/viv/environment"

/* For what pam_env would cut at a #: the agent reads the one file, login shells the other. */
static void add_others(struct viv_etc *etc, struct viv_str *values, struct viv_str *exports)
{
	static const char option[] = "environment.variables";

	if (values->len) {
		viv_etc_add(etc, option, OWN_VARIABLES, VIV_ETC_FILE, 0644, values);
		viv_etc_add(etc, option, "etc/profile.d/viv-variables.sh", VIV_ETC_FILE, 0644, exports);
	}
	viv_str_free(values);
	viv_str_free(exports);
}

/* environment(5) as pam_env and our agent read it: NAME="value", one a line. */
static int add_variables(struct viv_etc *etc, const struct viv_config *config,
			 struct viv_error *err)
{
	VIV_STR s = VIV_STR_INIT, values = VIV_STR_INIT, exports = VIV_STR_INIT;
	VIV_STRV names = VIV_STRV_INIT;
	VIV_JSON *all = json_object();

	viv_locale_variables(config, all);
	json_object_update(all, (json_t *)viv_config_get(config, "environment.variables"));
	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *value = viv_json_str(all, names.items[i]);
		VIV_FREE char *option = viv_asprintf("environment.variables.%s", names.items[i]);

		if (!value || strpbrk(value, "\n\"\\"))
			return viv_error_say(err, EINVAL,
					     "%s: %s: a value can't hold a newline, a double quote or "
					     "a backslash",
					     viv_config_place(config, option), option);
		viv_str_addf(strchr(value, '#') ? &values : &s, "%s=\"%s\"\n", names.items[i], value);
		if (!strchr(value, '#'))
			continue;
		viv_str_addf(&exports, "export %s=", names.items[i]);
		viv_str_add_quoted(&exports, value);
		viv_str_add_char(&exports, '\n');
	}
	add_others(etc, &values, &exports);
	viv_etc_add(etc, "environment.variables", "etc/environment", VIV_ETC_FILE, 0644, &s);
	return 0;
}

/* What /etc/profile reads, in whichever shell. */
static void add_aliases(struct viv_etc *etc, const struct viv_config *config)
{
	static const char option[] = "environment.shellAliases";
	const json_t *all = viv_config_get(config, option);
	VIV_STRV names = VIV_STRV_INIT;
	struct viv_str s = VIV_STR_INIT;

	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *value = viv_json_str(all, names.items[i]);

		if (!value)
			continue;
		viv_str_addf(&s, "alias %s=", names.items[i]);
		viv_str_add_quoted(&s, value);
		viv_str_add_char(&s, '\n');
	}
	if (s.len)
		viv_etc_add(etc, option, "etc/profile.d/viv-aliases.sh", VIV_ETC_FILE, 0644, &s);
}

static void add_time_zone(struct viv_etc *etc, const struct viv_config *config)
{
	const char *zone = viv_config_string(config, "time.timeZone");
	VIV_FREE char *target = NULL, *line = NULL;

	if (!zone)
		return;
	target = viv_asprintf("/usr/share/zoneinfo/%s", zone);
	line = viv_asprintf("%s\n", zone);
	viv_etc_add_link(etc, "time.timeZone", "etc/localtime", target);
	viv_etc_add_text(etc, "time.timeZone", "etc/timezone", line);
}

static bool parse_mode(const char *text, unsigned *ret)
{
	unsigned mode = 0;

	if (!text || !*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return false;
		mode = mode * 8 + (unsigned)(*text - '0');
	}
	*ret = mode;
	return mode <= 07777;
}

/* One environment.etc.<path>. */
static int add_entry(struct viv_etc *etc, const struct viv_config *config, const char *path,
		     const json_t *entry, struct viv_error *err)
{
	const char *text = viv_json_str(entry, "text"), *source = viv_json_str(entry, "source");
	const char *mode = viv_json_str(entry, "mode"), *user = viv_json_str(entry, "user");
	const char *group = viv_json_str(entry, "group");
	VIV_FREE char *option = viv_asprintf("environment.etc[\"%s\"]", path);
	VIV_FREE char *full = viv_asprintf("etc/%s", path);
	const char *place = viv_config_place(config, option);
	VIV_STR content = VIV_STR_INIT;
	struct viv_etc_file *f;
	unsigned bits = 0644;

	if (!viv_path_is_safe(path))
		return viv_error_say(err, EINVAL, "%s: %s: a path below /etc, without \"..\"", place,
				     option);
	if (!text == !source)
		return viv_error_say(err, EINVAL, "%s: %s: give text or source", place, option);
	if (mode && !parse_mode(mode, &bits))
		return viv_error_say(err, EINVAL, "%s: %s.mode: expected octal digits, got \"%s\"",
				     place, option, mode);
	if (text)
		viv_str_add(&content, text);
	else if (viv_read_file(source, MAX_SOURCE, &content, err) < 0)
		return viv_error_context(err, "%s: %s.source", place, option);
	f = viv_etc_add(etc, option, full, VIV_ETC_FILE, bits, &content);
	f->user = viv_strdup(user);
	f->group = viv_strdup(group);
	return 0;
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	const char *path;
	json_t *entry;
	int r = add_variables(etc, config, err);

	add_aliases(etc, config);
	add_time_zone(etc, config);
	json_object_foreach((json_t *)viv_config_get(config, "environment.etc"), path, entry)
		if (r == 0)
			r = add_entry(etc, config, path, entry, err);
	return r;
}

/* apt works in the guest. */
static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	viv_strv_push(base, "apt");
	if (viv_config_string(config, "time.timeZone"))
		viv_strv_push(ret, "tzdata");
	viv_push_option(ret, config, "environment.systemPackages");
}

const struct viv_area viv_area_system = {.files = files, .packages = packages};
