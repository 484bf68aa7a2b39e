/* SPDX-License-Identifier: MIT */
#include "config/foreign.h"
#include "config/merge.h"

/* The tree of slots: what can be set, and what was. How values come of it: merge.c, set.c. */

#define MAX_DEPTH 150 /* of values that need values, one in the other */

struct viv_slot *viv_slot_add(struct viv_eval *ev, struct viv_slot *parent, const char *key)
{
	struct viv_slot *s = viv_arena_new(ev->arena, struct viv_slot);

	s->parent = parent;
	s->key = key;
	if (parent) {
		parent->children =
			viv_arena_grow(ev->arena, parent->children, &parent->cap_children,
				       parent->n_children + 1, sizeof(*parent->children));
		parent->children[parent->n_children++] = s;
	}
	return s;
}

void viv_slot_add_def(struct viv_eval *ev, struct viv_slot *s, const struct viv_def *def)
{
	s->defs = viv_arena_grow(ev->arena, s->defs, &s->cap_defs, s->n_defs + 1, sizeof(*s->defs));
	s->defs[s->n_defs++] = *def;
}

static int compare_slots(const void *a, const void *b)
{
	return strcmp((*(struct viv_slot *const *)a)->key, (*(struct viv_slot *const *)b)->key);
}

void viv_slot_sort(struct viv_slot *s)
{
	if (s->n_children)
		qsort(s->children, s->n_children, sizeof(*s->children), compare_slots);
}

/* Sets can have many names and are sorted; groups have few and grow while files are read. */
static struct viv_slot *lookup(const struct viv_slot *s, const char *key)
{
	struct viv_slot wanted = {.key = key}, *p = &wanted, **found;

	if (s->type && s->n_children) {
		found = bsearch(&p, s->children, s->n_children, sizeof(p), compare_slots);
		return found ? *found : NULL;
	}
	for (size_t i = 0; i < s->n_children; i++)
		if (viv_streq(s->children[i]->key, key))
			return s->children[i];
	return NULL;
}

struct viv_slot *viv_slot_child(struct viv_eval *ev, struct viv_slot *s, const char *key)
{
	struct viv_slot *found;

	if (s->type && (!viv_type_is_branch(s->type) || viv_slot_eval(ev, s) < 0))
		return NULL;
	found = lookup(s, key);
	return found && found->alias ? found->alias : found;
}

struct viv_name viv_slot_name(struct viv_eval *ev, const struct viv_slot *s)
{
	const char **parts;
	size_t n = 0;

	for (const struct viv_slot *p = s; p->key; p = p->parent)
		n++;
	parts = viv_arena_array(ev->arena, const char *, n + 1);
	for (size_t i = n; i > 0; s = s->parent)
		parts[--i] = s->key;
	return (struct viv_name){parts, n};
}

struct viv_slot *viv_slot_find(struct viv_eval *ev, const struct viv_name *name, size_t *ret_used)
{
	struct viv_slot *s = ev->root;
	size_t i = 0;

	for (; i < name->count && !s->type; i++) {
		s = viv_slot_child(ev, s, name->parts[i]);
		if (!s)
			return NULL;
	}
	*ret_used = i;
	return s;
}

/* Makes the groups on the way. NULL: an option stands in the way; *ret_way is it. */
static struct viv_slot *make(struct viv_eval *ev, const struct viv_name *name,
			     struct viv_slot **ret_way)
{
	struct viv_slot *s = ev->root;

	for (size_t i = 0; i < name->count; i++) {
		struct viv_slot *next = lookup(s, name->parts[i]);

		if (s->type || s->alias || (next && i + 1 == name->count)) {
			*ret_way = next ? next : s;
			return NULL;
		}
		s = next ? next : viv_slot_add(ev, s, name->parts[i]);
	}
	return s;
}

static void add_table(struct viv_eval *ev)
{
	/* In order of name: options are evaluated in the order that they are added in. */
	for (const struct viv_option **at = viv_option_sorted(ev->arena); *at; at++) {
		const struct viv_option *o = *at;
		struct viv_slot *way, *s;
		struct viv_name name;

		if (!viv_name_parse(ev->arena, o->name, &name))
			abort();
		s = make(ev, &name, &way);
		if (!s)
			abort();
		s->type = o->type;
		s->option = o;
	}
	VIV_FOREACH_OPTION(o) {
		struct viv_name from, to;
		struct viv_slot *target, *s = ev->root;
		size_t used;

		if (!o->alias_of)
			continue;
		viv_name_parse(ev->arena, o->alias_of, &to);
		viv_name_parse(ev->arena, o->name, &from);
		target = viv_slot_find(ev, &to, &used);
		for (size_t k = 0; s && k < from.count; k++)
			s = lookup(s, from.parts[k]);
		if (!target || !s)
			abort();
		s->alias = target;
	}
}

void viv_eval_init(struct viv_eval *ev, struct viv_arena *arena, struct viv_faults *faults,
		   struct viv_frontend *fe)
{
	*ev = (struct viv_eval){.arena = arena, .faults = faults, .fe = fe};
	ev->root = viv_slot_add(ev, NULL, NULL);
	add_table(ev);
}

void viv_eval_declare(struct viv_eval *ev, const struct viv_name *name, const struct viv_option *o,
		      const struct viv_origin *origin)
{
	const char *text = viv_name_text(ev->arena, name);
	struct viv_slot *way = NULL, *s = make(ev, name, &way);

	if (!s) {
		struct viv_name taken = viv_slot_name(ev, way);
		VIV_STR place = VIV_STR_INIT;
		struct viv_place p = {0};

		if (way->declared)
			p = (struct viv_place){way->declared->file, way->declared->line};
		if (p.file)
			viv_place_add(&p, &place);
		viv_fault_add(ev->faults, origin, name,
			      "%s can't be declared: %s is %s already%s%s", text,
			      viv_name_text(ev->arena, &taken), way->type ? "an option" : "a group",
			      p.file ? ", declared in " : "", p.file ? place.data : "");
		return;
	}
	s->type = o->type;
	s->option = o;
	s->declared = origin;
}

struct viv_def viv_def_new(struct viv_eval *ev, const struct viv_origin *origin,
			   struct viv_value *value)
{
	return (struct viv_def){
		.value = value,
		.origin = origin,
		.tier = origin->file->tier,
		.priority = VIV_PRIORITY_PLAIN,
		.order = VIV_ORDER_PLAIN,
		.seq = ((uint64_t)origin->file->rank << 40) | ev->next_seq++,
	};
}

static void define_group(struct viv_eval *ev, struct viv_slot *group, const struct viv_def *def)
{
	const struct viv_value *v = def->value;
	struct viv_name name = viv_slot_name(ev, group);
	struct viv_def inner = *def;

	switch (v->kind) {
	case VIV_VALUE_SET:
		for (size_t i = 0; i < v->set.count; i++) {
			struct viv_name one = viv_name_with(ev->arena, &name, v->set.items[i].key);

			inner.value = v->set.items[i].value;
			viv_eval_define(ev, &one, &inner);
		}
		break;
	case VIV_VALUE_MERGE:
		for (size_t i = 0; i < v->list.count; i++) {
			inner.value = v->list.items[i];
			define_group(ev, group, &inner);
		}
		break;
	case VIV_VALUE_IF:
		inner.cond = viv_arena_new(ev->arena, struct viv_cond);
		*inner.cond = (struct viv_cond){
			.outer = def->cond, .test = v->wrap.test, .origin = def->origin};
		inner.value = v->wrap.inner;
		define_group(ev, group, &inner);
		break;
	case VIV_VALUE_OVERRIDE:
	case VIV_VALUE_ORDER:
		*(v->kind == VIV_VALUE_ORDER ? &inner.order : &inner.priority) = v->wrap.number;
		inner.value = v->wrap.inner;
		define_group(ev, group, &inner);
		break;
	case VIV_VALUE_EMPTY:
	case VIV_VALUE_BROKEN:
		break;
	default: {
		VIV_STR got = VIV_STR_INIT;

		viv_value_describe(v, &got);
		viv_fault_add(ev->faults, def->origin, &name,
			      "%s is a group of options: expected { name = value, … }, got %s",
			      name.count ? viv_name_text(ev->arena, &name) : "a machine", got.data);
	}
	}
}

void viv_eval_define(struct viv_eval *ev, const struct viv_name *name, const struct viv_def *def)
{
	size_t used;
	struct viv_slot *s = viv_slot_find(ev, name, &used);
	struct viv_def here = *def;

	if (!s) {
		viv_eval_unknown(ev, name, def->origin);
		return;
	}
	if (!s->type) {
		define_group(ev, s, def);
		return;
	}
	here.rest = viv_name_rest(name, used);
	viv_slot_add_def(ev, s, &here);
}

void viv_eval_expect(struct viv_eval *ev, const struct viv_name *name,
		     const struct viv_origin *origin, struct viv_cond *cond)
{
	size_t used;
	struct viv_slot *s = viv_slot_find(ev, name, &used);
	struct viv_def def =
		viv_def_new(ev, origin, viv_value_new(ev->arena, VIV_VALUE_BROKEN, origin));

	if (!s || !s->type)
		return;
	def.cond = cond;
	def.rest = viv_name_rest(name, used);
	viv_slot_add_def(ev, s, &def);
}

static int eval_new(struct viv_eval *ev, struct viv_slot *s)
{
	struct viv_step step = {.outer = ev->steps, .slot = s};
	int r;

	ev->steps = &step;
	s->state = VIV_SLOT_BUSY;
	if (s->type->kind == VIV_TYPE_SET)
		r = viv_slot_eval_set(ev, s);
	else if (s->type->kind == VIV_TYPE_SUBMODULE)
		r = viv_slot_eval_submodule(ev, s);
	else
		r = viv_slot_eval_leaf(ev, s);
	ev->steps = step.outer;
	s->state = r < 0 ? VIV_SLOT_FAILED : VIV_SLOT_DONE;
	return r;
}

int viv_slot_eval(struct viv_eval *ev, struct viv_slot *s)
{
	int r;

	if (!s->type || s->state == VIV_SLOT_DONE)
		return 0;
	if (s->state == VIV_SLOT_FAILED)
		return -EINVAL;
	if (s->state == VIV_SLOT_BUSY) {
		viv_eval_cycle(ev, s, NULL);
		return -EINVAL;
	}
	if (ev->depth >= MAX_DEPTH) {
		struct viv_name name = viv_slot_name(ev, s);

		viv_fault_add(ev->faults, s->n_defs ? s->defs[0].origin : NULL, &name,
			      "%s: values need each other more than %d deep",
			      viv_name_text(ev->arena, &name), MAX_DEPTH);
		return -EINVAL;
	}
	ev->depth++;
	r = eval_new(ev, s);
	ev->depth--;
	return r;
}

static int children_value(struct viv_eval *ev, struct viv_slot *s, struct viv_value **ret)
{
	struct viv_value *v = viv_value_new(ev->arena, VIV_VALUE_SET, NULL);

	v->set.items = viv_arena_array(ev->arena, struct viv_member, s->n_children + 1);
	for (size_t i = 0; i < s->n_children; i++) {
		struct viv_value *member = NULL;
		int r;

		if (s->children[i]->alias)
			continue;
		r = viv_slot_value(ev, s->children[i], &member);
		if (r < 0)
			return r;
		if (member)
			v->set.items[v->set.count++] =
				(struct viv_member){s->children[i]->key, member};
	}
	viv_value_sort_set(v);
	*ret = v;
	return 0;
}

int viv_slot_value(struct viv_eval *ev, struct viv_slot *s, struct viv_value **ret)
{
	int r = viv_slot_eval(ev, s);

	if (r < 0)
		return r;
	if (!s->type || viv_type_is_branch(s->type))
		return children_value(ev, s, ret);
	*ret = s->value;
	return 0;
}

static void eval_below(struct viv_eval *ev, struct viv_slot *s)
{
	if (s->alias)
		return;
	viv_slot_eval(ev, s); /* a failed set's names are looked at too: all errors at once */
	for (size_t i = 0; i < s->n_children; i++)
		eval_below(ev, s->children[i]);
}

void viv_eval_all(struct viv_eval *ev)
{
	eval_below(ev, ev->root);
}

/* The names of all options below `s`, and of groups. */
static void collect(struct viv_eval *ev, const struct viv_slot *s, struct viv_strv *ret)
{
	for (size_t i = 0; i < s->n_children; i++) {
		const struct viv_slot *child = s->children[i];
		struct viv_name name = viv_slot_name(ev, child);

		viv_strv_push(ret, viv_name_text(ev->arena, &name));
		if (!child->type && !child->alias)
			collect(ev, child, ret);
	}
	for (size_t i = 0; s->type && s->type->kind == VIV_TYPE_SUBMODULE && !s->n_children &&
			   i < s->type->n_fields;
	     i++)
		viv_strv_push(ret, s->type->fields[i].name);
}

/* services.x of which there is nothing here, but not what services.nginx has not. */
static const char *group_hint(struct viv_eval *ev, const struct viv_name *name)
{
	struct viv_name start = {name->parts, 2};
	size_t used;

	if (name->count < 2 || viv_slot_find(ev, &start, &used))
		return NULL;
	return viv_foreign_group_hint(name->parts[0]);
}

void viv_eval_unknown(struct viv_eval *ev, const struct viv_name *name,
		      const struct viv_origin *origin)
{
	VIV_STRV all = VIV_STRV_INIT, near = VIV_STRV_INIT;
	const char *text = viv_name_text(ev->arena, name), *hint = viv_foreign_hint(text);

	if (hint) {
		viv_fault_add(ev->faults, origin, name, "no option %s here: %s", text, hint);
		return;
	}
	collect(ev, ev->root, &all);
	viv_suggest(text, (const char *const *)all.items, all.count, 1, &near);
	hint = group_hint(ev, name);
	if (near.count)
		viv_fault_add(ev->faults, origin, name, "no option %s (did you mean %s?)", text,
			      near.items[0]);
	else if (hint)
		viv_fault_add(ev->faults, origin, name, "no option %s here: %s", text, hint);
	else
		viv_fault_add(ev->faults, origin, name, "no option %s", text);
}
