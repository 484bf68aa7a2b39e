/* SPDX-License-Identifier: MIT */
#pragma once

/* NixOS's options that mean nothing here: one of them in a machine file is an error that says what to write instead. */

struct viv_foreign_option {
	const char *name; /* it, and whatever is below it */
	const char *hint; /* goes on after "no option x here: " */
};

extern const struct viv_foreign_option viv_foreign_options[]; /* ends with a NULL name */

/* The hint for an option's name; NULL: none is known. */
const char *viv_foreign_hint(const char *name);
