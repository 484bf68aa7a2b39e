/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From definitions to values. Every name that can be set is a slot; slots form a tree: groups
 * (virtualisation), options (virtualisation.cores), and below options that are sets the names in
 * them (users.users.paul, users.users.paul.uid). A slot is evaluated when it is first asked for,
 * so values may be functions of other values; one that needs itself is an error that shows the way
 * round.
 *
 * Which definitions count: each has a tier and, in it, a priority (a smaller number is stronger).
 * The command line is stronger than the machine's files, these than the user's, these than the
 * site's, whatever the priorities; within a tier mkForce beats the plain ones and these mkDefault.
 * Of what is left, lists are appended, sets united, and anything else must agree.
 */

#include "config/frontend.h"
#include "config/option.h"

enum {
	VIV_TIER_COMMAND = -1, /* and below: later ones of --set are stronger */
	VIV_TIER_MACHINE = 0,
	VIV_TIER_USER = 1,
	VIV_TIER_SITE = 2,
};

enum {
	VIV_PRIORITY_VM = 10,
	VIV_PRIORITY_FORCE = 50,
	VIV_PRIORITY_PLAIN = 100,
	VIV_PRIORITY_DEFAULT = 1000,
	VIV_PRIORITY_TEST = 1250, /* what the machines of tests have: mkDefault in a file of theirs goes before it */
	VIV_PRIORITY_FALLBACK = 1500, /* an option's own default */
	VIV_ORDER_BEFORE = 500,
	VIV_ORDER_PLAIN = 1000,
	VIV_ORDER_AFTER = 1500,
};

/* The condition of a block or of a value; each is evaluated once. */
struct viv_cond {
	struct viv_cond *outer;
	struct viv_value *test;
	const struct viv_origin *origin;
	enum { VIV_COND_NEW, VIV_COND_BUSY, VIV_COND_TRUE, VIV_COND_FALSE, VIV_COND_FAILED } state;
};

struct viv_def {
	struct viv_value *value;
	struct viv_name rest; /* below the slot: users.users is given { <rest> = value } */
	const struct viv_origin *origin;
	struct viv_cond *cond; /* innermost; NULL: always */
	int tier;
	int64_t priority, order;
	uint64_t seq; /* by rank of the file, then as written */
	bool append;  /* --add: whatever the priorities, added at the end */
	bool used;
};

enum viv_slot_state { VIV_SLOT_NEW, VIV_SLOT_BUSY, VIV_SLOT_DONE, VIV_SLOT_FAILED };

struct viv_slot {
	struct viv_slot *parent;
	const char *key;		   /* NULL: the root */
	const struct viv_type *type;	   /* NULL: a group */
	const struct viv_option *option;   /* its row; NULL for groups and names in sets */
	const struct viv_origin *declared; /* where; NULL: in the table */
	struct viv_slot *alias;		   /* definitions go there */
	struct viv_def *defs;
	size_t n_defs, cap_defs;
	struct viv_slot **children; /* sorted by key once evaluated, or in a group */
	size_t n_children, cap_children;
	enum viv_slot_state state;
	struct viv_value *value; /* DONE, not a branch; NULL: nobody set it */
};

/* What is being evaluated: a slot, or a condition. */
struct viv_step {
	struct viv_step *outer;
	struct viv_slot *slot;	     /* NULL: a condition */
	const struct viv_cond *cond; /* NULL: a slot */
};

struct viv_eval {
	struct viv_arena *arena;
	struct viv_faults *faults;
	struct viv_frontend *fe;
	struct viv_slot *root;
	struct viv_step *steps; /* what is being evaluated, innermost first */
	const struct viv_value **made; /* packages that options were given and that are made from source */
	size_t n_made, cap_made;
	uint64_t next_seq;
	unsigned depth;
};

/* Makes the tree of the option table. The arena and faults must outlive it; both are the caller's.
 */
void viv_eval_init(struct viv_eval *ev, struct viv_arena *arena, struct viv_faults *faults,
		   struct viv_frontend *fe);

/* An option of a machine file's own. Faults are reported. */
void viv_eval_declare(struct viv_eval *ev, const struct viv_name *name, const struct viv_option *o,
		      const struct viv_origin *origin);

/* A definition with the defaults of its file's tier; change what differs, then add it. */
struct viv_def viv_def_new(struct viv_eval *ev, const struct viv_origin *origin,
			   struct viv_value *value);
/* Call it when all options are declared. A name that isn't there is reported. */
void viv_eval_define(struct viv_eval *ev, const struct viv_name *name, const struct viv_def *def);

/*
 * What a block with that condition is going to set. While the condition isn't known the name can't
 * be evaluated; if it doesn't hold this is as if it had not been. No such option: nothing.
 */
void viv_eval_expect(struct viv_eval *ev, const struct viv_name *name,
		     const struct viv_origin *origin, struct viv_cond *cond);

/* A group's, set's or submodule's part; NULL if there is none. Evaluates the set's names. */
struct viv_slot *viv_slot_child(struct viv_eval *ev, struct viv_slot *s, const char *key);
/* The slot of a whole name, not looking into values; stops at sets. NULL: no such option. */
struct viv_slot *viv_slot_find(struct viv_eval *ev, const struct viv_name *name, size_t *ret_used);
struct viv_name viv_slot_name(struct viv_eval *ev, const struct viv_slot *s);

/* 0, or -EINVAL after a fault was reported (or came from elsewhere). */
int viv_slot_eval(struct viv_eval *ev, struct viv_slot *s);
/* As above, and everything below. *ret: data only; NULL if nobody set it. */
int viv_slot_value(struct viv_eval *ev, struct viv_slot *s, struct viv_value **ret);
/* 1: it holds, with those around it; 0; or -EINVAL as above. */
int viv_cond_test(struct viv_eval *ev, struct viv_cond *c);
/* All of them; errors don't end it. */
void viv_eval_all(struct viv_eval *ev);

/* Reports that there is no such option, with near names. */
void viv_eval_unknown(struct viv_eval *ev, const struct viv_name *name,
		      const struct viv_origin *origin);
/* Reports that this slot, or this condition (the other is NULL), is needed to know itself. */
void viv_eval_cycle(struct viv_eval *ev, struct viv_slot *s, const struct viv_cond *c);
/* Sorts a slot's children by key. */
void viv_slot_sort(struct viv_slot *s);
/* A new child at the end. */
struct viv_slot *viv_slot_add(struct viv_eval *ev, struct viv_slot *parent, const char *key);
void viv_slot_add_def(struct viv_eval *ev, struct viv_slot *s, const struct viv_def *def);

/* A function's or ref's value; anything else as it is. NULL: failed. */
struct viv_value *viv_eval_force(struct viv_eval *ev, const struct viv_type *t, struct viv_value *v,
				 const struct viv_name *name);
