/* SPDX-License-Identifier: MIT */
#include "config/eval.h"

/*
 * How one slot gets its value: wrappers are taken off its definitions and their conditions looked
 * at, the strongest stay, their values are checked, and what is left is merged as the type says.
 */

struct defs {
	struct viv_def **items;
	size_t count, cap;
	bool failed;
};


static void VIV_PRINTF(4, 5) fault(struct viv_eval *ev, const struct viv_slot *s,
				   const struct viv_origin *origin, const char *fmt, ...)
{
	struct viv_name name = viv_slot_name(ev, s);
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	viv_name_add(&name, &text);
	viv_str_add(&text, ": ");
	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	viv_fault_add(ev->faults, origin, &name, "%s", text.data);
}

static const struct viv_origin *origin_of(const struct viv_value *v, const struct viv_def *d)
{
	return v->origin ? v->origin : d ? d->origin : NULL;
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

/* 1, 0, or -EINVAL. */
static int test(struct viv_eval *ev, struct viv_slot *s, struct viv_cond *c)
{
	struct viv_name name = viv_slot_name(ev, s);
	struct viv_value *v;

	if (c->outer) {
		int r = test(ev, s, c->outer);

		if (r <= 0)
			return r;
	}
	switch (c->state) {
	case VIV_COND_TRUE:
		return 1;
	case VIV_COND_FALSE:
		return 0;
	case VIV_COND_FAILED:
		return -EINVAL;
	case VIV_COND_BUSY:
		fault(ev, s, c->origin, "a mkIf around it needs its value to know whether it is set");
		c->state = VIV_COND_FAILED;
		return -EINVAL;
	default:
		break;
	}
	c->state = VIV_COND_BUSY;
	v = viv_eval_force(ev, NULL, c->test, &name);
	if (v && v->kind != VIV_VALUE_BOOL) {
		VIV_STR got = VIV_STR_INIT;

		viv_value_describe(v, &got);
		viv_fault_add(ev->faults, c->origin, NULL,
			      "mkIf: expected true or false as the condition, got %s", got.data);
		v = NULL;
	}
	c->state = !v || c->state == VIV_COND_FAILED ? VIV_COND_FAILED
		   : v->b			      ? VIV_COND_TRUE
						      : VIV_COND_FALSE;
	return c->state == VIV_COND_FAILED ? -EINVAL : c->state == VIV_COND_TRUE;
}

static void push(struct viv_eval *ev, struct viv_slot *s, struct defs *to, struct viv_def *d)
{
	int r = d->cond ? test(ev, s, d->cond) : 1;

	if (r < 0)
		to->failed = true;
	if (r <= 0)
		return;
	to->items = viv_arena_grow(ev->arena, to->items, &to->cap, to->count + 1,
				   sizeof(struct viv_def *));
	to->items[to->count++] = d;
}

/* Takes the wrappers off a definition, into `to`. */
static void unwrap(struct viv_eval *ev, struct viv_slot *s, struct viv_def *d, struct defs *to)
{
	struct viv_value *v = d->value;
	struct viv_def *inner;

	if (d->rest.count || !viv_value_is_wrapper(v)) {
		if (v->kind == VIV_VALUE_BROKEN)
			to->failed = true;
		else
			push(ev, s, to, d);
		return;
	}
	if (v->kind == VIV_VALUE_MERGE) {
		for (size_t i = 0; i < v->list.count; i++) {
			inner = viv_arena_new(ev->arena, struct viv_def);
			*inner = *d;
			inner->value = v->list.items[i];
			unwrap(ev, s, inner, to);
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
		*inner->cond = (struct viv_cond){.outer = d->cond, .test = v->wrap.test,
						 .origin = origin_of(v, d)};
	}
	unwrap(ev, s, inner, to);
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

/* The slot's definitions that hold, unwrapped, in order. They replace the slot's own (for --why). */
static struct defs definitions(struct viv_eval *ev, struct viv_slot *s)
{
	struct defs all = {0};
	struct viv_def *own = s->defs;
	size_t n = s->n_defs;

	if (!n)
		return all;
	for (size_t i = 0; i < n; i++)
		unwrap(ev, s, &own[i], &all);
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

/* Marks what counts: of the strongest tier, the strongest priority; and what is appended. */
static size_t mark_strongest(struct defs *all)
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

/*
 * In a set each name is decided by itself, so a weaker tier's definition only falls away where a
 * stronger one was forced over the whole set.
 */
static void mark_set(struct defs *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct viv_def *d = all->items[i];

		d->used = true;
		for (size_t k = 0; k < all->count; k++)
			if (all->items[k]->tier <= d->tier &&
			    all->items[k]->priority < d->priority)
				d->used = false;
	}
}

static struct viv_value *fallback(struct viv_eval *ev, const struct viv_slot *s)
{
	const struct viv_option *o = s->option;

	if (!o)
		return NULL;
	return o->fallback_value ? (struct viv_value *)o->fallback_value
				 : viv_option_fallback(ev->arena, o);
}

static void mismatch(struct viv_eval *ev, const struct viv_slot *s, const struct viv_type *t,
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
	fault(ev, s, origin, "expected %s, got %s%s", expected.data, got.data, hint);
}

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
			      .origin = origin_of(v, d),
			      .priority = VIV_PRIORITY_PLAIN,
			      .order = VIV_ORDER_PLAIN};
	struct viv_value *out = NULL;

	viv_slot_add_def(ev, branch, &def);
	return viv_slot_value(ev, branch, &out) < 0 ? NULL : out;
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
		mismatch(ev, s, fit->kind == t->kind || list || set ? fit : t, v, origin_of(v, d));
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
	fault(ev, s, db->origin, "%s here, but %s in %s: which one? (mkForce(…) wins, mkDefault(…) yields)",
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
 * The option's default, checked unless it comes from the table (a test checks those). -EINVAL after a
 * fault; *ret is NULL if there is none.
 */
static int leaf_fallback(struct viv_eval *ev, struct viv_slot *s, struct viv_value **ret)
{
	struct viv_value *v = fallback(ev, s);
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

static int leaf_of(struct viv_eval *ev, struct viv_slot *s, struct defs *all)
{
	size_t room = all->count + 1, n = 0, strong = mark_strongest(all);
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
			fault(ev, s, d->origin, "it is one value: there is no %s in it",
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
	struct defs all = definitions(ev, s);

	if (!all.count && !all.failed)
		return leaf_fallback(ev, s, &s->value);
	return leaf_of(ev, s, &all);
}

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
		mismatch(ev, s, s->type, v, origin_of(v, d));
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
				fault(ev, child, e->items[i].def.origin,
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
	struct defs all = definitions(ev, s);
	struct entries e = {0};
	int r = all.failed ? -EINVAL : 0;

	mark_set(&all);
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i]->used && split(ev, s, all.items[i], false, &e) < 0)
			r = -EINVAL;
	if (!all.count) {
		struct viv_value *v = fallback(ev, s);
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
	viv_fault_add(ev->faults, d->origin, &full, "no option %s", viv_name_text(ev->arena, &full));
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
	struct defs all = definitions(ev, s);
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
