/* SPDX-License-Identifier: MIT */
#include "test/keys.h"

#include <ctype.h>
#include <strings.h>

#define KEYS_MAX 16 /* at once */

static const struct {
	char plain, shifted;
	const char *name;
} characters[] = {
	{'`', '~', "grave_accent"}, {'1', '!', "1"}, {'2', '@', "2"}, {'3', '#', "3"}, {'4', '$', "4"},
	{'5', '%', "5"}, {'6', '^', "6"}, {'7', '&', "7"}, {'8', '*', "8"}, {'9', '(', "9"}, {'0', ')', "0"},
	{'-', '_', "minus"}, {'=', '+', "equal"}, {'[', '{', "bracket_left"}, {']', '}', "bracket_right"},
	{'\\', '|', "backslash"}, {';', ':', "semicolon"}, {'\'', '"', "apostrophe"}, {',', '<', "comma"},
	{'.', '>', "dot"}, {'/', '?', "slash"}, {' ', 0, "spc"}, {'\n', 0, "ret"}, {'\t', 0, "tab"},
	{'\b', 0, "backspace"}, {'\033', 0, "esc"},
};

/* Names that people, and other drivers, have for them. */
static const struct { const char *name, *qemu; } aliases[] = {
	{"enter", "ret"}, {"return", "ret"}, {"space", "spc"}, {"escape", "esc"}, {"control", "ctrl"},
	{"del", "delete"}, {"ins", "insert"}, {"pageup", "pgup"}, {"page_up", "pgup"}, {"pagedown", "pgdn"},
	{"page_down", "pgdn"}, {"super", "meta_l"}, {"meta", "meta_l"}, {"win", "meta_l"}, {"altgr", "alt_r"},
	{"print_screen", "print"}, {"capslock", "caps_lock"}, {"numlock", "num_lock"},
	{"scrolllock", "scroll_lock"},
};

static void add(json_t *list, const char *name)
{
	json_array_append_new(list, json_pack("{s:s, s:s}", "type", "qcode", "data", name));
}

json_t *keys_of_char(char c)
{
	json_t *list = json_array();

	if (isalnum((unsigned char)c)) {
		char name[2] = {(char)tolower((unsigned char)c), '\0'};

		if (isupper((unsigned char)c))
			add(list, "shift");
		add(list, name);
		return list;
	}
	for (size_t i = 0; c && i < VIV_ARRAY_SIZE(characters); i++) {
		if (characters[i].plain != c && characters[i].shifted != c)
			continue;
		if (characters[i].shifted == c)
			add(list, "shift");
		add(list, characters[i].name);
		return list;
	}
	json_decref(list);
	return NULL;
}

static int add_named(json_t *list, const char *name, struct viv_error *err)
{
	VIV_FREE char *lower = viv_strdup(name);
	char *end;

	if (!name[0])
		return viv_error_say(err, EINVAL, "a key's name is missing");
	if (!name[1]) {
		VIV_JSON *keys = keys_of_char(name[0]);

		if (!keys)
			return viv_error_say(err, EINVAL, "no key has this character");
		/* "ctrl-A" is what people write for ctrl-a. */
		if (json_array_size(list) && isupper((unsigned char)name[0]))
			json_array_remove(keys, 0);
		json_array_extend(list, keys);
		return 0;
	}
	if (strncasecmp(name, "0x", 2) == 0) {
		unsigned long n = strtoul(name, &end, 16);

		if (*end || !n || n > 0xff)
			return viv_error_say(err, EINVAL, "%.20s is no number of a key", name);
		json_array_append_new(list, json_pack("{s:s, s:i}", "type", "number", "data", (int)n));
		return 0;
	}
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(aliases); i++)
		if (viv_streq(lower, aliases[i].name)) {
			add(list, aliases[i].qemu);
			return 0;
		}
	if (json_array_append_new(list, json_pack("{s:s, s:s}", "type", "qcode", "data", lower)) < 0)
		return viv_error_say(err, EINVAL, "that is no name of a key");
	return 0;
}

int keys_of(const char *combination, json_t **ret, struct viv_error *err)
{
	VIV_JSON *list = json_array();
	const char *p = combination;
	int r = 0;

	while (r == 0) {
		/* The dash itself is a key, too: "-", "ctrl--". */
		const char *end = strchr(*p == '-' ? p + 1 : p, '-');
		VIV_FREE char *name = end ? viv_strndup(p, (size_t)(end - p)) : viv_strdup(p);

		r = add_named(list, name, err);
		if (r == 0 && json_array_size(list) > KEYS_MAX)
			r = viv_error_say(err, EINVAL, "more than %d keys at once", KEYS_MAX);
		if (!end)
			break;
		p = end + 1;
	}
	if (r < 0)
		return r;
	*ret = json_incref(list);
	return 0;
}
