/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The option table. One row an option: the machine files' checks, `viv options`, the man page, the
 * completions and the reference all derive from it, and a row is all that a new option takes.
 */

#include "config/type.h"

struct viv_option {
	const char *name; /* "virtualisation.cores"; in a submodule just "uid" */
	const struct viv_type *type;
	const char *fallback;		    /* default, as JSON. NULL: none (own options only) */
	const char *(*fallback_host)(void); /* or a string that depends on the host */
	const struct viv_value *fallback_value; /* or a value: options that machine files declare */
	const char *fallback_text;		/* shown instead of it, where that says more */
	const char *example;  /* a value as it stands in a machine file; may be NULL */
	const char *text;     /* what it does: sentences */
	const char *alias_of; /* another name for that option: all else is NULL */
};

extern const struct viv_option viv_options[];
extern const size_t viv_n_options;

/* A table row's default as a value. NULL: it has none. */
struct viv_value *viv_option_fallback(struct viv_arena *arena, const struct viv_option *o);

/*
 * Calls fn for each option, those in submodules too, in the order of the table. `name` is as the
 * reference shows it: "users.users.<name>.uid", "virtualisation.forwardPorts[].proto". Stops at the first result that isn't 0; returns it.
 */
int viv_option_each(int (*fn)(const char *name, const struct viv_option *o, void *arg), void *arg);
