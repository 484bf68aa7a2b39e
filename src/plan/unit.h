/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The text of systemd's units (systemd.syntax(7)), as options give it. What reaches it through
 * the option table has no line ends in it. Inside plan/ only.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

/* A unit in the making: sections appear with their first setting. Zeroed at first. */
struct viv_unit {
	struct viv_str text;
	const char *section; /* the last one that was written */
};

/* An empty value is left out: to systemd it would be a reset. */
void viv_unit_set(struct viv_unit *u, const char *section, const char *key, const char *value);
/* A bool, number, text, or a list of these: the key once for each, a reset ("") included. Null: nothing. */
void viv_unit_set_json(struct viv_unit *u, const char *section, const char *key, const json_t *value);
/* A list as one line of words. */
void viv_unit_set_words(struct viv_unit *u, const char *section, const char *key, const json_t *list);
/* Every member of a set, in order of name. */
void viv_unit_set_all(struct viv_unit *u, const char *section, const json_t *settings);
/* Environment="NAME=value", as it is: nothing in it is replaced. */
void viv_unit_set_variable(struct viv_unit *u, const char *name, const char *value);

/* A value's text: "true", "5". NULL: it is none. The caller frees it. */
char *viv_unit_value(const json_t *value);

/* A setting as it is read; the value may be empty. Borrowed until the next. */
struct viv_unit_setting {
	size_t line; /* from 1 */
	const char *section;
	struct viv_slice key, value;
};
typedef int (*viv_unit_fn)(const struct viv_unit_setting *s, void *arg, struct viv_error *err);

/*
 * Calls fn (may be NULL) for each setting of a unit of that type (".service", or "journald.conf"; any bytes
 * are fine). Other
 * than systemd, which warns and goes on, it takes no line that is none, and no section that such a unit
 * hasn't got: EINVAL, "line 3 …". Sections that begin with "X-" are nobody's and fine. unit_parse.c
 */
int viv_unit_parse(struct viv_slice text, const char *type, viv_unit_fn fn, void *arg,
		   struct viv_error *err);

/* 'systemd.services["a-b"]': how an entry of a set is called in machine files. The caller frees it. */
char *viv_unit_option(const char *set, const char *name);

/* "/a/b-c" as "a-b\x2dc": a mount's name (systemd.unit(5), STRING ESCAPING). The caller frees it. */
char *viv_unit_escape_path(const char *path);

/* "getty@tty1.service" is made from "getty@.service". NULL: it is no instance. The caller frees it. */
char *viv_unit_template(const char *unit);
