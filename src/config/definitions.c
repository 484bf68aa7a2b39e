/* SPDX-License-Identifier: MIT */
#include "config/merge.h"

/*
 * A slot's definitions: functions and refs called, wrappers taken off, conditions looked at, the
 * strongest found.
 */

void viv_slot_faultv(struct viv_eval *ev, const struct viv_slot *s, const struct viv_slot *where,
		     const struct viv_origin *origin, const char *fmt, va_list ap)
{
	struct viv_name name = viv_slot_name(ev, s), place = viv_slot_name(ev, where);
	VIV_STR text = VIV_STR_INIT;

	viv_name_add(&name, &text);
	viv_str_add(&text, ": ");
	viv_str_addv(&text, fmt, ap);
	viv_fault_add(ev->faults, origin, &place, "%s", text.data);
}

void viv_slot_fault(struct viv_eval *ev, const struct viv_slot *s, const struct viv_origin *origin,
		    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	viv_slot_faultv(ev, s, s, origin, fmt, ap);
	va_end(ap);
}

const struct viv_origin *viv_def_origin(const struct viv_value *v, const struct viv_def *d)
{
	return v->origin ? v->origin : d ? d->origin : NULL;
}

struct viv_value *viv_slot_fallback(struct viv_eval *ev, const struct viv_slot *s)
{
	const struct viv_option *o = s->option;

	if (!o)
		return NULL;
	return o->fallback_value ? (struct viv_value *)o->fallback_value
				 : viv_option_fallback(ev->arena, o);
}

void viv_slot_mismatch(struct viv_eval *ev, const struct viv_slot *s, const struct viv_type *t,
		       const struct viv_value *v, const struct viv_origin *origin)
{
	VIV_STR expected = VIV_STR_INIT, got = VIV_STR_INIT;
	const char *hint = "";

	viv_type_expected(t, &expected);
	viv_value_describe(v, &got);
	if (t->kind == VIV_TYPE_LIST && v->kind == VIV_VALUE_STRING)
		hint = ": a list of one is written { \"…\" }";
	else if (t->kind == VIV_TYPE_LIST && v->kind == VIV_VALUE_SET)
		hint = ": a list has no names, write { \"a\", \"b\" }";
	else if (viv_type_is_branch(t) && v->kind == VIV_VALUE_LIST)
		hint = ": it needs names, write { name = value }";
	else if (t->kind == VIV_TYPE_BOOL && v->kind == VIV_VALUE_STRING)
		hint = ": write it without quotes";
	viv_slot_fault(ev, s, origin, "expected %s, got %s%s", expected.data, got.data, hint);
}

/* ref "a.b.c": goes down to the name, through sets too. */
static struct viv_value *resolve_ref(struct viv_eval *ev, const struct viv_value *v,
				     const struct viv_name *for_name)
{
	struct viv_slot *s = ev->root;
	struct viv_value *found = NULL;
	const char *text = viv_name_text(ev->arena, &v->ref);

	for (size_t i = 0; s && i < v->ref.count; i++) {
		struct viv_slot *next = viv_slot_child(ev, s, v->ref.parts[i]);

		if (!next && s->state == VIV_SLOT_FAILED)
			return NULL;
		if (!next && s->type && s->type->kind == VIV_TYPE_SET) {
			viv_fault_add(ev->faults, v->origin, for_name,
				      "ref \"%s\": nothing sets it", text);
			return NULL;
		}
		s = next;
	}
	if (!s) {
		viv_eval_unknown(ev, &v->ref, v->origin);
		return NULL;
	}
	if (viv_slot_value(ev, s, &found) < 0)
		return NULL;
	if (!found)
		viv_fault_add(ev->faults, v->origin, for_name, "ref \"%s\": nothing sets it", text);
	return found;
}

struct viv_value *viv_eval_force(struct viv_eval *ev, const struct viv_type *t, struct viv_value *v,
				 const struct viv_name *name)
{
	struct viv_value *out = v;

	if (v->kind == VIV_VALUE_REF) {
		out = resolve_ref(ev, v, name);
	} else if (v->kind == VIV_VALUE_FUNCTION && !(t && t->kind == VIV_TYPE_FUNCTION)) {
		out = ev->fe->call(ev->fe, v, name);
		if (out && viv_value_is_wrapper(out)) {
			VIV_STR got = VIV_STR_INIT;

			viv_value_describe(out, &got);
			viv_fault_add(ev->faults, out->origin ? out->origin : v->origin, name,
				      "%s: the function returned %s: put the function into it, "
				      "not it into the function",
				      viv_name_text(ev->arena, name), got.data);
			return NULL;
		}
	}
	return out && out->kind == VIV_VALUE_BROKEN ? NULL : out;
}

/* The condition's own value. */
static int ask(struct viv_eval *ev, struct viv_cond *c)
{
	struct viv_name none = {0};
	struct viv_name name = ev->steps && ev->steps->slot ? viv_slot_name(ev, ev->steps->slot)
							    : viv_name_with(ev->arena, &none, "mkIf");
	struct viv_step step = {.outer = ev->steps, .cond = c};
	struct viv_value *v;

	ev->steps = &step;
	v = viv_eval_force(ev, NULL, c->test, &name);
	ev->steps = step.outer;
	if (v && v->kind != VIV_VALUE_BOOL) {
		VIV_STR got = VIV_STR_INIT;

		viv_value_describe(v, &got);
		viv_fault_add(ev->faults, c->origin, NULL,
			      "mkIf: expected true or false as the condition, got %s", got.data);
		v = NULL;
	}
	return v ? v->b : -EINVAL;
}

int viv_cond_test(struct viv_eval *ev, struct viv_cond *c)
{
	int r = c->outer ? viv_cond_test(ev, c->outer) : 1;

	if (r <= 0)
		return r;
	if (c->state == VIV_COND_BUSY) {
		viv_eval_cycle(ev, NULL, c);
		c->state = VIV_COND_FAILED;
	}
	if (c->state == VIV_COND_NEW) {
		c->state = VIV_COND_BUSY;
		r = ask(ev, c);
		c->state = r < 0 || c->state == VIV_COND_FAILED ? VIV_COND_FAILED
			   : r				       ? VIV_COND_TRUE
							       : VIV_COND_FALSE;
	}
	return c->state == VIV_COND_FAILED ? -EINVAL : c->state == VIV_COND_TRUE;
}

static void push(struct viv_eval *ev, struct viv_defs *to, struct viv_def *d)
{
	int r = d->cond ? viv_cond_test(ev, d->cond) : 1;

	if (r < 0 || (r > 0 && d->value->kind == VIV_VALUE_BROKEN)) {
		to->failed = true;
		return;
	}
	if (r == 0)
		return;
	to->items = viv_arena_grow(ev->arena, to->items, &to->cap, to->count + 1,
				   sizeof(struct viv_def *));
	to->items[to->count++] = d;
}

/* Takes the wrappers off a definition, into `to`. */
static void unwrap(struct viv_eval *ev, struct viv_def *d, struct viv_defs *to)
{
	struct viv_value *v = d->value;
	struct viv_def *inner;

	if (d->rest.count || !viv_value_is_wrapper(v)) {
		push(ev, to, d);
		return;
	}
	if (v->kind == VIV_VALUE_MERGE) {
		for (size_t i = 0; i < v->list.count; i++) {
			inner = viv_arena_new(ev->arena, struct viv_def);
			*inner = *d;
			inner->value = v->list.items[i];
			unwrap(ev, inner, to);
		}
		return;
	}
	inner = viv_arena_new(ev->arena, struct viv_def);
	*inner = *d;
	inner->value = v->wrap.inner;
	if (v->kind == VIV_VALUE_OVERRIDE)
		inner->priority = v->wrap.number;
	if (v->kind == VIV_VALUE_ORDER)
		inner->order = v->wrap.number;
	if (v->kind == VIV_VALUE_IF) {
		inner->cond = viv_arena_new(ev->arena, struct viv_cond);
		*inner->cond = (struct viv_cond){
			.outer = d->cond, .test = v->wrap.test, .origin = viv_def_origin(v, d)};
	}
	unwrap(ev, inner, to);
}

static int compare_defs(const void *a, const void *b)
{
	const struct viv_def *x = *(struct viv_def *const *)a, *y = *(struct viv_def *const *)b;

	if (x->append != y->append)
		return x->append ? 1 : -1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct viv_defs viv_slot_definitions(struct viv_eval *ev, struct viv_slot *s)
{
	struct viv_defs all = {0};
	struct viv_def *own = s->defs;
	size_t n = s->n_defs;

	if (!n)
		return all;
	for (size_t i = 0; i < n; i++)
		unwrap(ev, &own[i], &all);
	if (all.count > 1)
		qsort(all.items, all.count, sizeof(*all.items), compare_defs);
	s->defs = viv_arena_array(ev->arena, struct viv_def, all.count + 1);
	s->n_defs = s->cap_defs = all.count;
	for (size_t i = 0; i < all.count; i++) {
		s->defs[i] = *all.items[i];
		all.items[i] = &s->defs[i];
	}
	return all;
}

size_t viv_defs_mark_strongest(struct viv_defs *all)
{
	const struct viv_def *best = NULL;
	size_t n = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct viv_def *d = all->items[i];

		if (d->append)
			continue;
		if (!best || d->tier < best->tier ||
		    (d->tier == best->tier && d->priority < best->priority))
			best = d;
	}
	for (size_t i = 0; i < all->count; i++) {
		struct viv_def *d = all->items[i];

		d->used = d->append || (d->tier == best->tier && d->priority == best->priority);
		n += d->used && !d->append;
	}
	return n;
}

void viv_defs_mark_set(struct viv_defs *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct viv_def *d = all->items[i];

		d->used = true;
		for (size_t k = 0; k < all->count; k++)
			if (all->items[k]->tier <= d->tier && all->items[k]->priority < d->priority)
				d->used = false;
	}
}
