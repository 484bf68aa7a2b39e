/* SPDX-License-Identifier: MIT */
#include "test/select.h"

#include <fnmatch.h>

/* All that a test is called. */
static void add_names(const struct viv_test_case *c, struct viv_strv *ret)
{
	static const char *const between[] = {": ", ":", NULL};

	viv_strv_push(ret, c->title);
	for (const char *const *b = between;; b++) {
		viv_strv_take(ret, viv_asprintf("%s%s%s", *b ? c->shown : "", *b ? *b : "", c->name));
		if (c->combination)
			viv_strv_take(ret, viv_asprintf("%s [%s]", ret->items[ret->count - 1], c->combination));
		if (!*b)
			return;
	}
}

/* For fnmatch, to which only the star is to be something special. */
static char *pattern_of(const char *only)
{
	VIV_STR pattern = VIV_STR_INIT;

	for (; *only; only++) {
		if (strchr("[?\\", *only))
			viv_str_add_char(&pattern, '\\');
		viv_str_add_char(&pattern, *only);
	}
	return viv_str_steal(&pattern);
}

static bool is_called(const struct viv_test_case *c, const char *pattern)
{
	VIV_STRV names = VIV_STRV_INIT;

	add_names(c, &names);
	for (size_t i = 0; i < names.count; i++)
		if (fnmatch(pattern, names.items[i], 0) == 0)
			return true;
	return false;
}

/* Marks those that it means. False: there is none. */
static bool mark(const struct viv_suite *s, const char *only, bool *wanted)
{
	VIV_FREE char *pattern = pattern_of(only);
	bool found = false;

	for (int part = 0; part <= !strchr(only, '*') && !found; part++)
		for (size_t i = 0; i < s->n; i++)
			if (s->cases[i].name && (part ? strstr(s->cases[i].title, only) != NULL : is_called(&s->cases[i], pattern)))
				found = wanted[i] = true;
	return found;
}

static int say_none(const struct viv_suite *s, const char *only, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT, near = VIV_STRV_INIT;
	VIV_FREE char *list = NULL;

	for (size_t i = 0; i < s->n; i++)
		viv_strv_push(&names, s->cases[i].name);
	for (size_t i = 0; i < s->n; i++)
		viv_strv_push(&names, s->cases[i].title);
	viv_strv_uniq(&names);
	viv_suggest(only, (const char *const *)names.items, names.count, 3, &near);
	list = viv_strv_join(&near, "\", \"");
	viv_error_say(err, ENOENT, "--only %s: there is no test of that name%s%s%s", only,
		      near.count ? " (did you mean \"" : "", list, near.count ? "\"?)" : "");
	return viv_error_hint(err, "`viv test --list` shows which there are");
}

static bool has_wrong(const struct viv_suite *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->cases[i].name)
			return true;
	return false;
}

int viv_suite_select(struct viv_suite *s, const char *const *only, struct viv_error *err)
{
	VIV_FREE bool *wanted = viv_new_array(bool, s->n + 1);
	size_t kept = 0;

	if (!only || !*only)
		return 0;
	for (; *only; only++)
		if (!mark(s, *only, wanted) && !has_wrong(s))
			return say_none(s, *only, err);
	for (size_t i = 0; i < s->n; i++) {
		if (wanted[i] || !s->cases[i].name)
			s->cases[kept++] = s->cases[i];
		else
			viv_test_case_free_contents(&s->cases[i]);
	}
	s->n = kept;
	return 0;
}
