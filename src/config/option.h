/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The option table. One row an option: the machine files' checks, `viv options`, the man page, the
 * completions and the reference all derive from it, and a row is all that a new option takes. Rows
 * stand in the files of options/, by area.
 */

#include "config/type.h"

/* Init systems, as system.init names them. */
enum viv_init { VIV_INIT_SYSTEMD = 1, VIV_INIT_RUNIT = 2, VIV_INIT_NONE = 4 };

/* 0: there is none of that name. */
enum viv_init viv_init_of(const char *name);
/* "systemd" or "runit": a set of them, for people. */
void viv_init_describe(unsigned inits, struct viv_str *ret);

struct viv_option {
	const char *name; /* "virtualisation.cores"; in a submodule just "uid" */
	const struct viv_type *type;
	const char *fallback;		    /* default, as JSON. NULL: none (own options only) */
	const char *(*fallback_host)(void); /* or a string that depends on the host */
	const struct viv_value *fallback_value; /* or a value: options that machine files declare */
	const char *fallback_text;		/* shown instead of it, where that says more */
	const char *example;  /* a value as it stands in a machine file; may be NULL */
	const char *text;     /* what it does: sentences */
	unsigned inits;       /* those that can do it (enum viv_init); 0: all */
	const char *alias_of; /* another name for that option: all else is NULL */
};

/* Options of one area, in order of name. */
struct viv_option_area {
	const struct viv_option *rows;
	size_t n;
};

/* Every option: the areas, then NULL. */
extern const struct viv_option_area *const viv_option_areas[];

/* For each option, area by area. `break` only leaves the area. */
#define VIV_FOREACH_OPTION(o)                                                                      \
	for (const struct viv_option_area *const *area_ = viv_option_areas; *area_; area_++)       \
		for (const struct viv_option *o = (*area_)->rows; o < (*area_)->rows + (*area_)->n; o++)

/* Every option in order of name, then NULL. */
const struct viv_option **viv_option_sorted(struct viv_arena *arena);

/* A table row's default as a value. NULL: it has none. */
struct viv_value *viv_option_fallback(struct viv_arena *arena, const struct viv_option *o);

/*
 * Calls fn for each option in order of name, those in submodules after what they are in, in the
 * order of the table. `name` is as the reference shows it: "users.users.<name>.uid",
 * "virtualisation.forwardPorts[].proto". Stops at the first result that isn't 0; returns it.
 */
int viv_option_each(int (*fn)(const char *name, const struct viv_option *o, void *arg), void *arg);
