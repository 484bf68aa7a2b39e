/* SPDX-License-Identifier: MIT */
#include "plan/exec-line.h"

#include <ctype.h>

void viv_exec_line_free(struct viv_exec_line *l)
{
	viv_str_free(&l->shell);
}

static int add_escape(struct viv_str *s, char c, struct viv_error *err)
{
	static const char from[] = "\\\"'stn", to[] = "\\\"' \t\n";
	const char *at = c ? strchr(from, c) : NULL;

	if (!at)
		return viv_error_say(err, EINVAL, "the escape \\%c", c ? c : ' ');
	viv_str_add_char(s, to[at - from]);
	return 0;
}

static int take_percent(const char **p, struct viv_str *s, struct viv_error *err)
{
	if ((*p)[1] != '%')
		return viv_error_say(err, EINVAL, "the specifier %%%c", (*p)[1] ? (*p)[1] : ' ');
	viv_str_add_char(s, '%');
	(*p) += 2;
	return 0;
}

/* The next word, without its quotes. 1: there is none. */
static int next_word(const char **p, struct viv_str *ret, struct viv_error *err)
{
	char quote = '\0';
	int r = 0;

	*p += strspn(*p, " \t");
	if (!**p)
		return 1;
	while (r == 0 && **p && (quote || !strchr(" \t", **p))) {
		if (**p == '\\') {
			r = add_escape(ret, (*p)[1], err);
			*p += r == 0 ? 2 : 0;
		} else if (**p == quote) {
			quote = '\0';
			(*p)++;
		} else if (!quote && (**p == '"' || **p == '\'')) {
			quote = *(*p)++;
		} else if (**p == '%') {
			r = take_percent(p, ret, err);
		} else {
			viv_str_add_char(ret, *(*p)++);
		}
	}
	return r == 0 && quote ? viv_error_say(err, EINVAL, "a quote that isn't closed") : r;
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return isdigit((unsigned char)s[0]) ? 0 : n;
}

/* A word in double quotes; only "${NAME}" is expanded, and "$NAME" where it is the whole word. */
static void add_shell_word(struct viv_str *s, const char *word)
{
	size_t n = word[0] == '$' ? name_length(word + 1) : 0;

	if (n && !word[1 + n]) {
		viv_str_add(s, word);
		return;
	}
	viv_str_add_char(s, '"');
	for (; *word; word++) {
		n = viv_starts_with(word, "${") ? name_length(word + 2) : 0;
		if (n && word[2 + n] == '}') {
			viv_str_add_bytes(s, word, n + 3);
			word += n + 2;
			continue;
		}
		if (viv_starts_with(word, "$$"))
			word++;
		if (strchr("\"\\$`", *word))
			viv_str_add_char(s, '\\');
		viv_str_add_char(s, *word);
	}
	viv_str_add_char(s, '"');
}

int viv_exec_line_parse(const char *text, struct viv_exec_line *ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_exec_line_free) struct viv_exec_line l = {0};
	int r = 0;

	text += strspn(text, " \t");
	for (; *text == '-'; text++)
		l.may_fail = true;
	if (*text != '/')
		return viv_error_say(err, EINVAL, *text && strchr("@:+!|", *text)
							  ? "the prefix \"%.1s\""
							  : "a program without its path (\"%.20s\")", text);
	while (r == 0) {
		VIV_STR word = VIV_STR_INIT;

		r = next_word(&text, &word, err);
		if (r == 0 && viv_streq(word.data ? word.data : "", ";"))
			r = viv_error_say(err, EINVAL, "several commands with \";\" between");
		if (r != 0)
			break;
		if (l.shell.len)
			viv_str_add_char(&l.shell, ' ');
		add_shell_word(&l.shell, word.data ? word.data : "");
	}
	if (r < 0)
		return r;
	*ret = l;
	l = (struct viv_exec_line){0};
	return 0;
}

int viv_exec_words(const char *text, struct viv_strv *ret, struct viv_error *err)
{
	int r = 0;

	while (r == 0) {
		VIV_STR word = VIV_STR_INIT;

		r = next_word(&text, &word, err);
		if (r == 0)
			viv_strv_take(ret, viv_str_steal(&word));
	}
	return r < 0 ? r : 0;
}
