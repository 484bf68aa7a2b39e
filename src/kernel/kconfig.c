/* SPDX-License-Identifier: MIT */
#include "kernel/kconfig.h"

#include <ctype.h>

#define NAME_MAX_LEN  100
#define VALUE_MAX_LEN 4096

struct viv_kconfig viv_kconfig_new(void)
{
	return (struct viv_kconfig){.settings = json_object(), .optional = json_object()};
}

void viv_kconfig_free(struct viv_kconfig *c)
{
	json_decref(c->settings);
	json_decref(c->optional);
	*c = (struct viv_kconfig){0};
}

static void set(struct viv_kconfig *c, const char *name, const char *value, bool optional)
{
	json_object_set_new(c->settings, name, json_string(value));
	if (optional)
		json_object_set_new(c->optional, name, json_true());
	else
		json_object_del(c->optional, name);
}

void viv_kconfig_set(struct viv_kconfig *c, const char *name, const json_t *value)
{
	VIV_FREE char *number = json_is_integer(value)
					? viv_asprintf("%lld", (long long)json_integer_value(value))
					: NULL;

	set(c, name, number ? number : json_is_boolean(value) ? (json_is_true(value) ? "y" : "n")
							      : json_string_value(value), false);
}

static bool is_name(struct viv_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.data[i]) && s.data[i] != '_')
			return false;
	return s.len && s.len <= NAME_MAX_LEN;
}

/* A word, or a text in quotes. */
static bool is_value(struct viv_slice s)
{
	bool quoted = s.len > 1 && s.data[0] == '"' && s.data[s.len - 1] == '"';

	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < (quoted ? ' ' : '!') || s.data[i] > '~')
			return false;
	return s.len && s.len <= VALUE_MAX_LEN;
}

static bool cut_start(struct viv_slice *s, const char *start)
{
	size_t n = strlen(start);

	if (s->len < n || memcmp(s->data, start, n) != 0)
		return false;
	s->data += n;
	s->len -= n;
	return true;
}

/* "# CONFIG_X is not set"; any other line with a # says nothing. */
static void read_comment(struct viv_kconfig *c, struct viv_slice line)
{
	static const char end[] = " is not set";
	size_t n = sizeof(end) - 1;
	VIV_FREE char *name = NULL;

	if (!cut_start(&line, "# CONFIG_") || line.len <= n || memcmp(line.data + line.len - n, end, n) != 0)
		return;
	line.len -= n;
	name = viv_slice_dup(line);
	if (is_name(line))
		set(c, name, "n", false);
}

static bool read_setting(struct viv_kconfig *c, struct viv_slice line)
{
	bool optional = false, prefixed = cut_start(&line, "CONFIG_");
	struct viv_slice name = {line.data, 0}, value;
	VIV_FREE char *n = NULL, *v = NULL;

	while (name.len < line.len && !strchr("= \t?", line.data[name.len]))
		name.len++;
	value = (struct viv_slice){line.data + name.len, line.len - name.len};
	if (prefixed) {
		if (!cut_start(&value, "="))
			return false;
	} else {
		optional = cut_start(&value, "?");
		if (!cut_start(&value, " ") && !cut_start(&value, "\t") && !cut_start(&value, "="))
			return false;
	}
	value = viv_slice_trim(value);
	if (!is_name(name) || !is_value(value))
		return false;
	n = viv_slice_dup(name);
	v = viv_slice_dup(value);
	set(c, n, v, optional);
	return true;
}

int viv_kconfig_read(struct viv_kconfig *c, const char *text, const char *what, struct viv_error *err)
{
	struct viv_slice rest = viv_slice(text), line;

	while (viv_slice_line(&rest, &line)) {
		line = viv_slice_trim(line);
		if (line.len && line.data[0] == '#') {
			read_comment(c, line);
		} else if (line.len && !read_setting(c, line)) {
			VIV_FREE char *shown = viv_slice_printable(line);

			return viv_error_say(err, EINVAL, "%s: \"%.100s\" sets nothing: it is written CONFIG_NAME=y, "
					     "NAME y, or # CONFIG_NAME is not set", what, shown);
		}
	}
	return 0;
}

bool viv_kconfig_has(const struct viv_kconfig *c, const char *name)
{
	return json_object_get(c->settings, name) != NULL;
}

void viv_kconfig_write(const struct viv_kconfig *c, bool checked, struct viv_str *ret)
{
	VIV_STRV names = VIV_STRV_INIT;

	viv_json_keys(c->settings, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *value = viv_json_str(c->settings, names.items[i]);

		if (checked && json_object_get(c->optional, names.items[i]))
			continue;
		if (viv_streq(value, "n"))
			viv_str_addf(ret, "# CONFIG_%s is not set\n", names.items[i]);
		else
			viv_str_addf(ret, "CONFIG_%s=%s\n", names.items[i], value);
	}
}
