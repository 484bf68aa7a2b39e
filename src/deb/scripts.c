/* SPDX-License-Identifier: MIT */
#include "deb/scripts.h"

#include "base/path.h"

#define COMMAND_MAX 400 /* bytes of one that are kept */

static bool is_one_of(const char *word, const char *const *list)
{
	while (*list && !viv_streq(word, *list))
		list++;
	return *list;
}

/* What may stand before a command. */
static bool is_before(const char *word)
{
	static const char *const words[] = {"!",    "if",  "then", "else", "elif", "do",
					    "while", "until", "exec", "env",  NULL};
	size_t name = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	return is_one_of(word, words) || (name && word[name] == '=');
}

/* Without quotes around it. */
static char *plain(struct viv_slice word)
{
	while (word.len && strchr("\"'", word.data[0]))
		word.data++, word.len--;
	while (word.len && strchr("\"'", word.data[word.len - 1]))
		word.len--;
	return viv_slice_dup(word);
}

static void push_command(struct viv_slice part, struct viv_strv *ret)
{
	static const char *const told[] = {"adduser", "addgroup", "useradd", "groupadd", "setcap", "dpkg-statoverride", NULL};
	VIV_STR command = VIV_STR_INIT;
	struct viv_slice word;

	while (viv_slice_word(&part, &word) && command.len < COMMAND_MAX) {
		VIV_FREE char *text = plain(word);

		if (text[0] == '#')
			break;
		if (!command.len && is_before(text))
			continue;
		if (!command.len && !is_one_of(viv_path_base(text), told))
			return;
		viv_str_addf(&command, "%s%s", command.len ? " " : "", command.len ? text : viv_path_base(text));
	}
	if (command.len)
		viv_strv_take(ret, viv_str_steal(&command));
}

/* Without comments; a line that goes on in the next one is one. */
static void push_line(struct viv_slice line, struct viv_strv *ret)
{
	const char *at = line.data, *end = line.data + line.len;

	while (at < end && *at != '#') {
		const char *part = at;

		while (at < end && !strchr(";&|(){}`", *at))
			at++;
		push_command((struct viv_slice){part, (size_t)(at - part)}, ret);
		at += at < end;
	}
}

void viv_script_commands(struct viv_slice script, struct viv_strv *ret)
{
	VIV_STR whole = VIV_STR_INIT;
	struct viv_slice line;

	while (viv_slice_line(&script, &line)) {
		bool goes_on = line.len && line.data[line.len - 1] == '\\';

		viv_str_add_bytes(&whole, line.data, line.len - goes_on);
		if (goes_on)
			continue;
		push_line((struct viv_slice){whole.data, whole.len}, ret);
		viv_str_clear(&whole);
	}
}

void viv_script_sysusers(struct viv_slice text, struct viv_strv *ret)
{
	struct viv_slice line, word;

	while (viv_slice_line(&text, &line)) {
		struct viv_slice rest = line;

		if (viv_slice_word(&rest, &word) && word.data[0] && strchr("ugm", word.data[0]))
			viv_strv_take(ret, viv_strndup(line.data, VIV_MIN(line.len, COMMAND_MAX)));
	}
}
