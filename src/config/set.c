/* SPDX-License-Identifier: MIT */
#include "config/merge.h"

/* Sets and submodules: their definitions split by name, a slot for each. */

/* One name of a set with one definition. */
struct entry {
	const char *key;
	struct viv_def def;
	size_t number;
};

struct entries {
	struct entry *items;
	size_t count, cap;
};

static void add_entry(struct viv_eval *ev, struct entries *e, const char *key,
		      const struct viv_def *def)
{
	e->items = viv_arena_grow(ev->arena, e->items, &e->cap, e->count + 1, sizeof(*e->items));
	e->items[e->count] = (struct entry){key, *def, e->count};
	e->items[e->count].def.cond = NULL;
	e->items[e->count].def.used = false;
	e->count++;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int r = strcmp(x->key, y->key);

	return r ? r : x->number < y->number ? -1 : 1;
}

/*
 * Splits a definition of a set by its names. A set's own priority has been looked at and is not
 * handed down; a submodule's is (keep_priority).
 */
static int split(struct viv_eval *ev, struct viv_slot *s, const struct viv_def *d,
		 bool keep_priority, struct entries *to)
{
	struct viv_name name = viv_slot_name(ev, s);
	struct viv_def one = *d;
	struct viv_value *v;

	if (!keep_priority)
		one.priority = VIV_PRIORITY_PLAIN;
	if (d->rest.count) {
		one.rest = viv_name_rest(&d->rest, 1);
		add_entry(ev, to, d->rest.parts[0], &one);
		return 0;
	}
	v = viv_eval_force(ev, s->type, d->value, &name);
	if (!v)
		return -EINVAL;
	if (v->kind == VIV_VALUE_EMPTY)
		return 0;
	if (v->kind != VIV_VALUE_SET) {
		viv_slot_mismatch(ev, s, s->type, v, viv_def_origin(v, d));
		return -EINVAL;
	}
	for (size_t i = 0; i < v->set.count; i++) {
		one.value = v->set.items[i].value;
		if (one.value->origin)
			one.origin = one.value->origin;
		add_entry(ev, to, v->set.items[i].key, &one);
	}
	return 0;
}

static struct viv_def fallback_def(struct viv_value *v)
{
	return (struct viv_def){.value = v,
				.tier = VIV_TIER_SITE + 1,
				.priority = VIV_PRIORITY_FALLBACK,
				.order = VIV_ORDER_PLAIN};
}

/* A child for each name; its definitions are those entries. */
static int make_children(struct viv_eval *ev, struct viv_slot *s, struct entries *e)
{
	int r = 0;

	if (e->count)
		qsort(e->items, e->count, sizeof(*e->items), compare_entries);
	for (size_t i = 0; i < e->count; i++) {
		const char *key = e->items[i].key;
		struct viv_slot *child = i && viv_streq(e->items[i - 1].key, key)
						 ? s->children[s->n_children - 1]
						 : NULL;

		if (!child) {
			child = viv_slot_add(ev, s, key);
			child->type = s->type->of;
			if (s->type->rule && !s->type->rule->ok(key)) {
				viv_slot_fault(ev, child, e->items[i].def.origin,
					       "the name is not %s", s->type->rule->expected);
				r = -EINVAL;
			}
		}
		viv_slot_add_def(ev, child, &e->items[i].def);
	}
	return r;
}

int viv_slot_eval_set(struct viv_eval *ev, struct viv_slot *s)
{
	struct viv_defs all = viv_slot_definitions(ev, s);
	struct entries e = {0};
	int r = all.failed ? -EINVAL : 0;

	viv_defs_mark_set(&all);
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i]->used && split(ev, s, all.items[i], false, &e) < 0)
			r = -EINVAL;
	if (!all.count) {
		struct viv_value *v = viv_slot_fallback(ev, s);
		struct viv_def d = fallback_def(v);

		if (v && split(ev, s, &d, false, &e) < 0)
			r = -EINVAL;
	}
	if (make_children(ev, s, &e) < 0)
		r = -EINVAL;
	return r;
}

static void unknown_field(struct viv_eval *ev, struct viv_slot *s, const char *key,
			  const struct viv_def *d)
{
	VIV_STRV near = VIV_STRV_INIT;
	VIV_STRV names = VIV_STRV_INIT;
	struct viv_name name = viv_slot_name(ev, s), full = viv_name_with(ev->arena, &name, key);

	for (size_t i = 0; i < s->type->n_fields; i++)
		viv_strv_push(&names, s->type->fields[i].name);
	viv_suggest(key, (const char *const *)names.items, names.count, 1, &near);
	if (near.count) {
		struct viv_name meant = viv_name_with(ev->arena, &name, near.items[0]);

		viv_fault_add(ev->faults, d->origin, &full, "no option %s (did you mean %s?)",
			      viv_name_text(ev->arena, &full), viv_name_text(ev->arena, &meant));
		return;
	}
	viv_fault_add(ev->faults, d->origin, &full, "no option %s",
		      viv_name_text(ev->arena, &full));
}

static void add_fields(struct viv_eval *ev, struct viv_slot *s)
{
	for (size_t i = 0; i < s->type->n_fields; i++) {
		const struct viv_option *o = &s->type->fields[i];
		struct viv_slot *child = viv_slot_add(ev, s, o->name);

		child->type = o->type;
		child->option = o;
	}
	viv_slot_sort(s);
}

int viv_slot_eval_submodule(struct viv_eval *ev, struct viv_slot *s)
{
	struct viv_defs all = viv_slot_definitions(ev, s);
	struct entries e = {0};
	int r = all.failed ? -EINVAL : 0;

	add_fields(ev, s);
	for (size_t i = 0; i < all.count; i++) {
		all.items[i]->used = true;
		if (split(ev, s, all.items[i], true, &e) < 0)
			r = -EINVAL;
	}
	for (size_t i = 0; i < e.count; i++) {
		struct viv_slot *field = NULL;

		for (size_t k = 0; k < s->n_children; k++)
			if (viv_streq(s->children[k]->key, e.items[i].key))
				field = s->children[k];
		if (field) {
			viv_slot_add_def(ev, field, &e.items[i].def);
		} else {
			unknown_field(ev, s, e.items[i].key, &e.items[i].def);
			r = -EINVAL;
		}
	}
	return r;
}
