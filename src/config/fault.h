/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Errors of machine files, collected: all of them are reported at once, each with its place. An
 * error keeps what is needed to find its exact line; that is looked for only when it is reported.
 */

#include "config/value.h"

struct viv_frontend;

struct viv_place {
	const struct viv_file *file;
	int line; /* 0: none */
};

struct viv_fault {
	struct viv_origin origin;
	struct viv_name name; /* what it is about; may be empty */
	const char *text;
	size_t number; /* in the order of discovery */
};

struct viv_faults {
	struct viv_arena *arena;
	struct viv_fault *items;
	size_t count, cap;
};

/* origin may be NULL. The message will be "<place>: <text>". */
void viv_fault_add(struct viv_faults *f, const struct viv_origin *origin,
		   const struct viv_name *name, const char *fmt, ...) VIV_PRINTF(4, 5);

/* "vm.lua:12", "command line", "--disk", "default". */
void viv_place_add(const struct viv_place *p, struct viv_str *ret);

/*
 * Every message on its line, sorted by file and line, each once; at most `max` of them, then how
 * many more there are. fe may be NULL: then origins' own lines are used.
 */
void viv_faults_format(struct viv_faults *f, struct viv_frontend *fe, size_t max,
		       struct viv_str *ret);
