/* SPDX-License-Identifier: MIT */
#include "config/merge.h"

/* One value: the strongest definitions' values checked, then merged as the type says. */

static struct viv_value *check(struct viv_eval *ev, struct viv_slot *s, const struct viv_type *t,
			       struct viv_value *v, const struct viv_def *d);

/* A slot for something inside a value: a list's item, a set in it. It isn't in the tree. */
static struct viv_slot *inner_slot(struct viv_eval *ev, struct viv_slot *parent, const char *key,
				   const struct viv_type *t)
{
	struct viv_slot *s = viv_slot_add(ev, NULL, key);

	s->parent = parent;
	s->type = t;
	return s;
}

static struct viv_value *check_list(struct viv_eval *ev, struct viv_slot *s,
				    const struct viv_type *of, struct viv_value *v,
				    const struct viv_def *d)
{
	struct viv_value *out = viv_value_new(ev->arena, VIV_VALUE_LIST, v->origin);
	bool failed = false;

	if (v->kind == VIV_VALUE_EMPTY)
		return out;
	out->list.items = viv_arena_array(ev->arena, struct viv_value *, v->list.count + 1);
	for (size_t i = 0; i < v->list.count; i++) {
		struct viv_slot *item =
			inner_slot(ev, s, viv_arena_printf(ev->arena, "[%zu]", i + 1), of);
		struct viv_name name = viv_slot_name(ev, item);
		struct viv_value *one = viv_eval_force(ev, of, v->list.items[i], &name);

		one = one ? check(ev, item, of, one, d) : NULL;
		if (one)
			out->list.items[out->list.count++] = one;
		else
			failed = true;
	}
	return failed ? NULL : out;
}

/* A set within a value: evaluated as a slot of its own, with this one definition. */
static struct viv_value *check_branch(struct viv_eval *ev, struct viv_slot *s,
				      const struct viv_type *t, struct viv_value *v,
				      const struct viv_def *d)
{
	struct viv_slot *branch = inner_slot(ev, s->parent, s->key, t);
	struct viv_def def = {.value = v,
			      .origin = viv_def_origin(v, d),
			      .priority = VIV_PRIORITY_PLAIN,
			      .order = VIV_ORDER_PLAIN};
	struct viv_value *out = NULL;

	viv_slot_add_def(ev, branch, &def);
	return viv_slot_value(ev, branch, &out) < 0 ? NULL : out;
}

/* A package stands in its option by its name alone; how it is made is told once for the machine. */
static void note_made(struct viv_eval *ev, const struct viv_value *v)
{
	for (size_t i = 0; i < ev->n_made; i++)
		if (ev->made[i]->made == v->made)
			return;
	ev->made = viv_arena_grow(ev->arena, ev->made, &ev->cap_made, ev->n_made + 1, sizeof(*ev->made));
	ev->made[ev->n_made++] = v;
}

static struct viv_value *check(struct viv_eval *ev, struct viv_slot *s, const struct viv_type *t,
			       struct viv_value *v, const struct viv_def *d)
{
	static const struct viv_type any = {.kind = VIV_TYPE_ANY};
	const struct viv_type set_of_any = {.kind = VIV_TYPE_SET, .of = &any};
	const struct viv_type *fit = viv_type_pick(t, v);
	bool list = v->kind == VIV_VALUE_LIST, set = v->kind == VIV_VALUE_SET;
	struct viv_value *out;

	if (v->kind == VIV_VALUE_BROKEN)
		return NULL;
	if (fit->kind == VIV_TYPE_LIST && (list || v->kind == VIV_VALUE_EMPTY))
		return check_list(ev, s, fit->of, v, d);
	if (viv_type_is_branch(fit) && (set || v->kind == VIV_VALUE_EMPTY))
		return check_branch(ev, s, fit, v, d);
	if (fit->kind == VIV_TYPE_ANY && list)
		return check_list(ev, s, &any, v, d);
	if (fit->kind == VIV_TYPE_ANY && set) {
		struct viv_type *kept = viv_arena_new(ev->arena, struct viv_type);

		*kept = set_of_any;
		return check_branch(ev, s, kept, v, d);
	}
	if (fit->kind == VIV_TYPE_ANY)
		return v;
	out = viv_type_convert(ev->arena, fit, v);
	if (!out)
		viv_slot_mismatch(ev, s, fit->kind == t->kind || list || set ? fit : t, v,
				  viv_def_origin(v, d));
	else if (out->kind == VIV_VALUE_PACKAGE && out->made)
		note_made(ev, out);
	return out;
}

static struct viv_value *append_lists(struct viv_eval *ev, struct viv_value **values, size_t n)
{
	struct viv_value *out = viv_value_new(ev->arena, VIV_VALUE_LIST, values[0]->origin);
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += values[i]->list.count;
	out->list.items = viv_arena_array(ev->arena, struct viv_value *, total + 1);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < values[i]->list.count; k++)
			out->list.items[out->list.count++] = values[i]->list.items[k];
	return out;
}

static struct viv_value *join_lines(struct viv_eval *ev, struct viv_value **values, size_t n)
{
	VIV_STR text = VIV_STR_INIT;

	for (size_t i = 0; i < n; i++) {
		if (i && text.len && text.data[text.len - 1] != '\n')
			viv_str_add_char(&text, '\n');
		viv_str_add(&text, values[i]->text);
	}
	return viv_value_text(ev->arena, VIV_VALUE_STRING,
			      viv_arena_strdup(ev->arena, text.data ? text.data : ""),
			      values[0]->origin);
}

static void clash(struct viv_eval *ev, struct viv_slot *s, const struct viv_value *a,
		  const struct viv_def *da, const struct viv_value *b, const struct viv_def *db)
{
	VIV_STR x = VIV_STR_INIT, y = VIV_STR_INIT, place = VIV_STR_INIT;
	struct viv_place p = {da->origin->file, da->origin->line};
	struct viv_name name = viv_slot_name(ev, s);

	viv_value_describe(a, &x);
	viv_value_describe(b, &y);
	if (ev->fe && ev->fe->locate)
		ev->fe->locate(ev->fe, da->origin, &name, &p);
	viv_place_add(&p, &place);
	viv_slot_fault(ev, s, db->origin,
		       "%s here, but %s in %s: which one? (mkForce(…) wins, mkDefault(…) yields)",
		       y.data, x.data, place.data);
}

static struct viv_value *merge(struct viv_eval *ev, struct viv_slot *s, struct viv_value **values,
			       struct viv_def **from, size_t n)
{
	enum viv_value_kind kind = values[0]->kind;

	for (size_t i = 1; i < n; i++) {
		bool together = values[i]->kind == kind &&
				(kind == VIV_VALUE_LIST || viv_type_appends(s->type));

		if (together || viv_value_equal(values[0], values[i]))
			continue;
		clash(ev, s, values[0], from[0], values[i], from[i]);
		return NULL;
	}
	if (n > 1 && kind == VIV_VALUE_LIST)
		return append_lists(ev, values, n);
	if (n > 1 && kind == VIV_VALUE_STRING && viv_type_appends(s->type))
		return join_lines(ev, values, n);
	return values[0];
}

/*
 * The option's default, checked unless it comes from the table (a test checks those). -EINVAL after
 * a fault; *ret is NULL if there is none.
 */
static int leaf_fallback(struct viv_eval *ev, struct viv_slot *s, struct viv_value **ret)
{
	struct viv_value *v = viv_slot_fallback(ev, s);
	struct viv_name name;

	if (v && s->option->fallback_value) {
		name = viv_slot_name(ev, s);
		v = viv_eval_force(ev, s->type, v, &name);
		v = v ? check(ev, s, s->type, v, NULL) : NULL;
		if (!v)
			return -EINVAL;
	}
	*ret = v;
	return 0;
}

static int leaf_of(struct viv_eval *ev, struct viv_slot *s, struct viv_defs *all)
{
	size_t room = all->count + 1, n = 0, strong = viv_defs_mark_strongest(all);
	struct viv_value **values = viv_arena_array(ev->arena, struct viv_value *, room);
	struct viv_def **from = viv_arena_array(ev->arena, struct viv_def *, room);
	struct viv_name name = viv_slot_name(ev, s);
	bool failed = all->failed;

	if (!strong && leaf_fallback(ev, s, &values[0]) < 0)
		failed = true;
	n = values[0] ? 1 : 0;
	for (size_t i = 0; i < all->count; i++) {
		struct viv_def *d = all->items[i];
		struct viv_value *v;

		if (d->rest.count) {
			viv_slot_fault(ev, s, d->origin, "it is one value: there is no %s in it",
				       viv_name_text(ev->arena, &d->rest));
			failed = true;
			continue;
		}
		if (!d->used)
			continue;
		v = viv_eval_force(ev, s->type, d->value, &name);
		v = v ? check(ev, s, s->type, v, d) : NULL;
		failed |= !v;
		from[n] = d;
		values[n] = v;
		n += v != NULL;
	}
	if (failed)
		return -EINVAL;
	s->value = n ? merge(ev, s, values, from, n) : NULL;
	return n && !s->value ? -EINVAL : 0;
}

int viv_slot_eval_leaf(struct viv_eval *ev, struct viv_slot *s)
{
	struct viv_defs all = viv_slot_definitions(ev, s);

	if (!all.count && !all.failed)
		return leaf_fallback(ev, s, &s->value);
	return leaf_of(ev, s, &all);
}
