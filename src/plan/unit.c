/* SPDX-License-Identifier: MIT */
#include "plan/unit.h"

#include "base/path.h"
#include "config/name.h"

#include <ctype.h>

static void add_line(struct viv_unit *u, const char *section, const char *key, const char *value)
{
	if (!u->section || !viv_streq(u->section, section)) {
		viv_str_addf(&u->text, "%s[%s]\n", u->section ? "\n" : "", section);
		u->section = section;
	}
	viv_str_addf(&u->text, "%s=%s\n", key, value);
}

void viv_unit_set(struct viv_unit *u, const char *section, const char *key, const char *value)
{
	if (value && *value)
		add_line(u, section, key, value);
}

char *viv_unit_value(const json_t *value)
{
	if (json_is_boolean(value))
		return viv_strdup(json_is_true(value) ? "true" : "false");
	if (json_is_integer(value))
		return viv_asprintf("%lld", (long long)json_integer_value(value));
	return viv_strdup(json_string_value(value));
}

void viv_unit_set_json(struct viv_unit *u, const char *section, const char *key, const json_t *value)
{
	VIV_FREE char *text = viv_unit_value(value);
	json_t *item;
	size_t i;

	if (text)
		add_line(u, section, key, text);
	json_array_foreach((json_t *)value, i, item)
		viv_unit_set_json(u, section, key, item);
}

void viv_unit_set_words(struct viv_unit *u, const char *section, const char *key, const json_t *list)
{
	VIV_STR words = VIV_STR_INIT;
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
		viv_str_addf(&words, "%s%s", i ? " " : "", json_string_value(item));
	viv_unit_set(u, section, key, words.data);
}

void viv_unit_set_all(struct viv_unit *u, const char *section, const json_t *settings)
{
	VIV_STRV keys = VIV_STRV_INIT;

	viv_json_keys(settings, &keys);
	for (size_t i = 0; i < keys.count; i++)
		viv_unit_set_json(u, section, keys.items[i], json_object_get(settings, keys.items[i]));
}

void viv_unit_set_variable(struct viv_unit *u, const char *name, const char *value)
{
	VIV_STR s = VIV_STR_INIT;

	viv_str_addf(&s, "\"%s=", name);
	for (; *value; value++) {
		if (strchr("\\\"", *value))
			viv_str_add_char(&s, '\\');
		if (*value == '%')
			viv_str_add_char(&s, '%');
		viv_str_add_char(&s, *value);
	}
	viv_str_add_char(&s, '"');
	add_line(u, "Service", "Environment", s.data);
}

char *viv_unit_option(const char *set, const char *name)
{
	VIV_ARENA arena = VIV_ARENA_INIT;
	struct viv_name all, full;

	if (!viv_name_parse(&arena, set, &all))
		abort();
	full = viv_name_with(&arena, &all, name);
	return viv_strdup(viv_name_text(&arena, &full));
}

char *viv_unit_escape_path(const char *path)
{
	VIV_FREE char *clean = viv_path_clean(path);
	VIV_STR s = VIV_STR_INIT;

	for (const char *p = clean + strspn(clean, "/"); *p; p++) {
		bool plain = isalnum((unsigned char)*p) || strchr(":_", *p) || (*p == '.' && s.len);

		if (*p == '/')
			viv_str_add_char(&s, '-');
		else if (plain)
			viv_str_add_char(&s, *p);
		else
			viv_str_addf(&s, "\\x%02x", (unsigned char)*p);
	}
	return s.len ? viv_str_steal(&s) : viv_strdup("-");
}

char *viv_unit_template(const char *unit)
{
	const char *at = strchr(unit, '@'), *type = strrchr(unit, '.');

	if (!at || !type || type <= at + 1)
		return NULL;
	return viv_asprintf("%.*s%s", (int)(at + 1 - unit), unit, type);
}
