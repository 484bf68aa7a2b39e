/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"

/*
 * Overlays: functions of two sets of packages. `final` is the set after all of them: a package of it is
 * its name, and what that comes to is asked when all are known. `prev` is the set before: what it has is
 * known when it is read.
 */

#define SET_CLASS "viv.packages"

struct entry {
	const char *key;
	const struct viv_value *package; /* PACKAGE */
	enum { ENTRY_NEW, ENTRY_BUSY, ENTRY_DONE } state;
	struct viv_value *attrs; /* what it comes to: a SET; NULL: failed */
	const struct viv_origin *origin;
};

struct overlays {
	struct viv_lua *lua;
	struct entry *entries; /* the set as it is by now */
	size_t n, cap;
	struct viv_strv way; /* names being looked at, for a cycle */
};

/* What an overlay is handed. */
struct set {
	struct overlays *all; /* NULL: it is over */
	bool final;
	size_t generation; /* of prev: only in its own overlay */
};

/* Without what it is part of: its own line is what counts. */
static struct viv_origin own_line(const struct viv_origin *o)
{
	return (struct viv_origin){.file = o->file, .line = o->line};
}

static struct entry *lookup(struct overlays *o, const char *key)
{
	for (size_t i = 0; i < o->n; i++)
		if (viv_streq(o->entries[i].key, key))
			return &o->entries[i];
	return NULL;
}

static struct viv_value *debian_package(struct viv_lua *lua, const char *name)
{
	struct viv_value *v =
		viv_value_text(lua->arena, VIV_VALUE_PACKAGE, name, viv_lua_here(lua));
	struct viv_made *made = viv_arena_new(lua->arena, struct viv_made);

	*made = (struct viv_made){.from = VIV_MADE_FROM_DEBIAN, .name = name, .origin = v->origin};
	v->made = made;
	return v;
}

static int set_index(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct set *s = luaL_checkudata(L, 1, SET_CLASS);
	const char *key;
	struct entry *e;

	if (lua_type(L, 2) != LUA_TSTRING || !viv_rule_package.ok(lua_tostring(L, 2)) ||
	    strchr(lua_tostring(L, 2), '='))
		return luaL_error(L, "it is written prev.name or prev[\"name\"], a package's name");
	key = viv_arena_strdup(lua->arena, viv_lua_check_text(L, 2));
	if (s->final) {
		viv_lua_push_object(lua, viv_value_text(lua->arena, VIV_VALUE_PACKAGE, key,
							viv_lua_here(lua)));
		return 1;
	}
	if (!s->all)
		return luaL_error(L, "prev can't be read when its overlay has returned");
	e = lookup(s->all, key);
	viv_lua_push_object(lua, e ? (struct viv_value *)e->package : debian_package(lua, key));
	return 1;
}

static struct set *push_set(lua_State *L, struct overlays *o, bool final)
{
	struct set *s = lua_newuserdatauv(L, sizeof(*s), 0);

	*s = (struct set){.all = o, .final = final};
	if (luaL_newmetatable(L, SET_CLASS)) {
		viv_lua_add_misuse(L);
		lua_pushcfunction(L, set_index);
		lua_setfield(L, -2, "__index");
	}
	lua_setmetatable(L, -2);
	return s;
}

/* Calls of functions with what is on the stack; protected. */
struct call {
	const struct viv_value *function;
	const struct viv_name *name;
	struct viv_value *result;
};

static int run(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct call *c = lua_touserdata(L, -1);
	struct viv_origin *origin = viv_arena_new(lua->arena, struct viv_origin);

	if (c->function->origin)
		*origin = *c->function->origin;
	lua_pop(L, 1);
	lua_rawgeti(L, LUA_REGISTRYINDEX, c->function->handle);
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	if (lua_isnil(L, -1)) {
		viv_fault_add(lua->faults, origin, c->name, "%s: its function returned nothing",
			      viv_name_text(lua->arena, c->name));
		viv_lua_silent(L);
	}
	c->result = viv_lua_copy(lua, lua_gettop(L), origin, c->name);
	return 0;
}

struct viv_value *viv_lua_call_with(struct viv_lua *lua, const struct viv_value *f, int n,
				    const struct viv_name *name)
{
	struct call c = {.function = f, .name = name};

	lua_pushcfunction(lua->L, run);
	lua_insert(lua->L, -n - 1);
	lua_pushlightuserdata(lua->L, &c);
	if (!viv_lua_call(lua, n + 1, name))
		return NULL;
	lua_pop(lua->L, 1);
	return c.result && c.result->kind != VIV_VALUE_BROKEN ? c.result : NULL;
}

static void add_entry(struct overlays *o, const char *key, const struct viv_value *package,
		      const struct viv_origin *origin)
{
	struct entry *e = lookup(o, key);

	if (!e) {
		o->entries = viv_arena_grow(o->lua->arena, o->entries, &o->cap, o->n + 1,
					    sizeof(*o->entries));
		e = &o->entries[o->n++];
	}
	*e = (struct entry){.key = key, .package = package, .origin = origin};
}

/* What an overlay returned, into the set. */
static void take(struct overlays *o, const struct viv_value *result, const struct viv_name *name)
{
	if (result->kind != VIV_VALUE_SET && result->kind != VIV_VALUE_EMPTY) {
		VIV_STR got = VIV_STR_INIT;

		viv_value_describe(result, &got);
		viv_fault_add(o->lua->faults, result->origin, name,
			      "%s: expected a table { name = prev.name:override{ … } }, got %s",
			      viv_name_text(o->lua->arena, name), got.data);
		return;
	}
	for (size_t i = 0; result->kind == VIV_VALUE_SET && i < result->set.count; i++) {
		const struct viv_member *m = &result->set.items[i];
		bool named = m->value->kind == VIV_VALUE_STRING && viv_rule_package.ok(m->value->text);
		VIV_STR got = VIV_STR_INIT;

		if (viv_rule_package.ok(m->key) && !strchr(m->key, '=') &&
		    (named || m->value->kind == VIV_VALUE_PACKAGE)) {
			add_entry(o, m->key, m->value,
				  m->value->origin ? m->value->origin : result->origin);
			continue;
		}
		viv_value_describe(m->value, &got);
		if (m->value->kind == VIV_VALUE_PACKAGE)
			viv_fault_add(o->lua->faults, result->origin, name, "%s: \"%.80s\" is no package's name",
				      viv_name_text(o->lua->arena, name), m->key);
		else if (m->value->kind != VIV_VALUE_BROKEN)
			viv_fault_add(o->lua->faults, result->origin, name,
				      "%s: %.80s: expected a package, got %s",
				      viv_name_text(o->lua->arena, name), m->key, got.data);
	}
}

static void apply(struct overlays *o, const struct viv_value *list)
{
	struct viv_lua *lua = o->lua;
	struct viv_name none = {0}, option = viv_name_with(lua->arena, &none, "packages");

	option = viv_name_with(lua->arena, &option, "overlays");
	for (size_t i = 0; list && list->kind == VIV_VALUE_LIST && i < list->list.count; i++) {
		struct viv_name name = viv_name_with(lua->arena, &option,
						     viv_arena_printf(lua->arena, "[%zu]", i + 1));
		struct viv_value *result;
		struct set *prev;

		if (!lua_checkstack(lua->L, 20))
			return;
		push_set(lua->L, o, true);
		prev = push_set(lua->L, o, false);
		lua_pushvalue(lua->L, -1);
		lua_insert(lua->L, -3); /* so that it lives on */
		result = viv_lua_call_with(lua, list->list.items[i], 2, &name);
		prev->all = NULL;
		lua_pop(lua->L, 1);
		if (result)
			take(o, result, &name);
	}
}

/* The set of what a package comes to. */

static struct viv_value *text(struct overlays *o, const char *s, const struct viv_origin *origin)
{
	return viv_value_text(o->lua->arena, VIV_VALUE_STRING, s, origin);
}

static void put(struct overlays *o, struct viv_value *set, const char *key, struct viv_value *v)
{
	for (size_t i = 0; i < set->set.count; i++)
		if (viv_streq(set->set.items[i].key, key)) {
			set->set.items[i].value = v;
			return;
		}
	if (!set->set.items)
		set->set.items = viv_arena_array(o->lua->arena, struct viv_member, 16);
	set->set.items[set->set.count++] = (struct viv_member){key, v};
}

static struct viv_value *begin(struct overlays *o, const struct viv_made *m)
{
	struct viv_value *set = viv_value_new(o->lua->arena, VIV_VALUE_SET, m->origin);
	struct viv_value *debian = viv_value_new(o->lua->arena, VIV_VALUE_BOOL, m->origin);

	debian->b = m->from != VIV_MADE_NEW;
	put(o, set, "package", text(o, m->name, m->origin));
	put(o, set, "debian", debian);
	return set;
}

static struct viv_value *resolve_name(struct overlays *o, const char *name, const struct viv_made *m);

/* What a function of the attributes before is shown: those that can be changed. */
static void push_attrs(struct viv_lua *lua, const struct viv_value *attrs)
{
	static const char *const lists[] = {"patches", "buildInputs", "depends", "env"};

	lua_newtable(lua->L);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(lists); i++) {
		lua_newtable(lua->L);
		lua_setfield(lua->L, -2, lists[i]);
	}
	for (size_t i = 0; i < attrs->set.count; i++) {
		const struct viv_member *m = &attrs->set.items[i];

		if (viv_streq(m->key, "debian") || viv_streq(m->key, "place"))
			continue;
		viv_lua_push_value(lua, m->value);
		lua_setfield(lua->L, -2, viv_streq(m->key, "package") ? "name" : m->key);
	}
}

static struct viv_value *resolve(struct overlays *o, const struct viv_made *m)
{
	struct viv_name none = {0}, name = viv_name_with(o->lua->arena, &none, m->name);
	struct viv_value *attrs, *out, *change = m->change;
	VIV_STR place = VIV_STR_INIT;
	struct viv_place p = {m->origin->file, m->origin->line};

	if (m->below)
		attrs = resolve(o, m->below);
	else if (m->from == VIV_MADE_FROM_SET)
		attrs = resolve_name(o, m->name, m);
	else
		attrs = begin(o, m);
	if (!attrs || !change)
		return attrs;
	if (change->kind == VIV_VALUE_FUNCTION) {
		if (!lua_checkstack(o->lua->L, 20))
			return NULL;
		push_attrs(o->lua, attrs);
		change = viv_lua_call_with(o->lua, m->change, 1, &name);
		if (change)
			change = viv_lua_package_change(o->lua, change, m->name, m->origin);
		if (!change)
			return NULL;
	}
	out = viv_value_new(o->lua->arena, VIV_VALUE_SET, m->origin);
	for (size_t i = 0; i < attrs->set.count; i++)
		put(o, out, attrs->set.items[i].key, attrs->set.items[i].value);
	for (size_t i = 0; i < change->set.count; i++)
		put(o, out, change->set.items[i].key, change->set.items[i].value);
	viv_place_add(&p, &place);
	put(o, out, "place", text(o, viv_arena_strdup(o->lua->arena, place.data), m->origin));
	return out;
}

static struct viv_value *cycle(struct overlays *o, const char *name, const struct viv_origin *origin)
{
	struct viv_name none = {0}, key = viv_name_with(o->lua->arena, &none, name);
	struct viv_origin here = own_line(origin);
	VIV_STR way = VIV_STR_INIT;
	size_t i = 0;

	while (i < o->way.count && !viv_streq(o->way.items[i], name))
		i++;
	for (; i < o->way.count; i++)
		viv_str_addf(&way, "%s -> ", o->way.items[i]);
	viv_str_add(&way, name);
	viv_fault_add(o->lua->faults, &here, &key,
		      "packages.overlays: %s needs itself: %s (prev is the set before)", name, way.data);
	return NULL;
}

static struct viv_value *resolve_entry(struct overlays *o, struct entry *e)
{
	const struct viv_value *v = e->package;
	struct viv_made plain = {.from = VIV_MADE_FROM_SET, .name = v->text, .origin = e->origin};
	size_t i = (size_t)(e - o->entries);

	if (e->state == ENTRY_BUSY)
		return cycle(o, e->key, e->origin);
	if (e->state == ENTRY_DONE)
		return e->attrs;
	e->state = ENTRY_BUSY;
	viv_strv_push(&o->way, e->key);
	e->attrs = resolve(o, v->made ? v->made : &plain);
	free(o->way.items[--o->way.count]);
	o->way.items[o->way.count] = NULL;
	o->entries[i].state = ENTRY_DONE;
	return e->attrs;
}

static struct viv_value *resolve_name(struct overlays *o, const char *name, const struct viv_made *m)
{
	struct entry *e = lookup(o, name);
	struct viv_made debian = {.from = VIV_MADE_FROM_DEBIAN, .name = name, .origin = m->origin};

	return e ? resolve_entry(o, e) : begin(o, &debian);
}

/*
 * Packages that options were given with changes of their own: in a machine each is there once, so they
 * are what their name stands for.
 */
static void add_direct(struct overlays *o, struct viv_value **ret_attrs)
{
	const struct viv_eval *ev = o->lua->ev;

	for (size_t i = 0; i < ev->n_made; i++) {
		const struct viv_value *v = ev->made[i];

		ret_attrs[i] = resolve(o, v->made);
		for (size_t k = 0; ret_attrs[i] && k < i; k++) {
			VIV_STR place = VIV_STR_INIT;
			struct viv_origin here = own_line(v->made->origin);
			struct viv_place p = {ev->made[k]->made->origin->file,
					      ev->made[k]->made->origin->line};

			if (!viv_streq(ev->made[k]->text, v->text))
				continue;
			viv_place_add(&p, &place);
			viv_fault_add(o->lua->faults, &here, NULL,
				      "%s is overridden in two ways, here and in %s: a machine has it "
				      "once (keep it in a local variable, or use packages.overlays)",
				      v->text, place.data);
		}
	}
}

static const char *package_of(const struct viv_value *attrs)
{
	for (size_t i = 0; i < attrs->set.count; i++)
		if (viv_streq(attrs->set.items[i].key, "package"))
			return attrs->set.items[i].value->text;
	abort();
}

/* Anything but Debian's package of that name? */
static bool is_changed(const char *key, const struct viv_value *attrs)
{
	return attrs && (attrs->set.count > 2 ||
			 !viv_streq(package_of(attrs), key));
}

static void add_json(json_t *j, const char *key, struct viv_value *attrs)
{
	if (!is_changed(key, attrs))
		return;
	viv_value_sort_set(attrs);
	json_object_set_new(j, key, viv_value_to_json(attrs));
}

json_t *viv_lua_packages(struct viv_lua *lua)
{
	struct viv_name name;
	struct overlays o = {.lua = lua};
	struct viv_value **direct;
	struct viv_slot *s;
	json_t *j = json_object();
	size_t used;

	viv_name_parse(lua->arena, "packages.overlays", &name);
	s = viv_slot_find(lua->ev, &name, &used);
	lua->evaluating = true;
	if (s && viv_slot_eval(lua->ev, s) == 0)
		apply(&o, s->value);
	for (size_t i = 0; i < o.n; i++)
		resolve_entry(&o, &o.entries[i]);
	direct = viv_arena_array(lua->arena, struct viv_value *, lua->ev->n_made + 1);
	add_direct(&o, direct);
	for (size_t i = 0; i < o.n; i++)
		add_json(j, o.entries[i].key, o.entries[i].attrs);
	for (size_t i = 0; i < lua->ev->n_made; i++)
		add_json(j, lua->ev->made[i]->text, direct[i]);
	viv_strv_free(&o.way);
	return j;
}
