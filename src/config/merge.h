/* SPDX-License-Identifier: MIT */
#pragma once

/* What the three parts of evaluating a slot share: definitions.c, merge.c (one value), set.c. */

#include "config/eval.h"

/* The definitions of a slot that hold: wrappers are off, conditions true; in order. */
struct viv_defs {
	struct viv_def **items;
	size_t count, cap;
	bool failed; /* one of them can't be told */
};

/* definitions.c */
/* They replace the slot's own (for --why). */
struct viv_defs viv_slot_definitions(struct viv_eval *ev, struct viv_slot *s);
/*
 * Marks what counts: of the strongest tier, the strongest priority; and what is appended. Returns
 * how many count beside the appended ones.
 */
size_t viv_defs_mark_strongest(struct viv_defs *all);
/*
 * In a set each name is decided by itself, so a weaker tier's definition only falls away where a
 * stronger one was forced over the whole set.
 */
void viv_defs_mark_set(struct viv_defs *all);
/* Where the value was written, or its definition; either may be NULL inside. */
const struct viv_origin *viv_def_origin(const struct viv_value *v, const struct viv_def *d);
/* The option's default; NULL if it has none. */
struct viv_value *viv_slot_fallback(struct viv_eval *ev, const struct viv_slot *s);
/* "<name>: <message>" */
void viv_slot_fault(struct viv_eval *ev, const struct viv_slot *s, const struct viv_origin *origin,
		    const char *fmt, ...) VIV_PRINTF(4, 5);
/* The same, at the place of another slot. */
void viv_slot_faultv(struct viv_eval *ev, const struct viv_slot *s, const struct viv_slot *where,
		     const struct viv_origin *origin, const char *fmt, va_list ap)
	VIV_PRINTF(5, 0);
/* "expected <type>, got <value>" */
void viv_slot_mismatch(struct viv_eval *ev, const struct viv_slot *s, const struct viv_type *t,
		       const struct viv_value *v, const struct viv_origin *origin);

/* merge.c */
int viv_slot_eval_leaf(struct viv_eval *ev, struct viv_slot *s);

/* set.c */
int viv_slot_eval_set(struct viv_eval *ev, struct viv_slot *s);
int viv_slot_eval_submodule(struct viv_eval *ev, struct viv_slot *s);
