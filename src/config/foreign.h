/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * NixOS's options that there aren't here: one of them in a machine file is an error that says what to write instead.
 * Some mean nothing in a virtual machine, others are what a package of Debian's does by itself.
 */

struct viv_foreign_option {
	const char *name; /* it, and whatever is below it; the first row that fits counts */
	const char *hint; /* goes on after "no option x here: " */
};

extern const struct viv_foreign_option viv_foreign_options[]; /* ends with a NULL name */

/* The hint for an option's name; NULL: none is known. */
const char *viv_foreign_hint(const char *name);

/* The hint for a name in "services" or "programs" of which nothing else is known; NULL: no such group. */
const char *viv_foreign_group_hint(const char *group);
