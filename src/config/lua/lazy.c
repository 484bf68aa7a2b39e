/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"
#include "config/lua/test.h"

/* The finished configuration as functions see it: each value is evaluated when it is read. */

#define CONFIG_CLASS "viv.config"

struct viv_slot *viv_lua_to_slot(lua_State *L, int index)
{
	struct viv_slot **s = luaL_testudata(L, index, CONFIG_CLASS);

	return s ? *s : NULL;
}

static void push_slot(lua_State *L, struct viv_slot *s)
{
	struct viv_slot **p = lua_newuserdatauv(L, sizeof(*p), 0);

	*p = s;
	luaL_setmetatable(L, CONFIG_CLASS);
}

static void unset(struct viv_lua *lua, struct viv_slot *s)
{
	struct viv_name name = viv_slot_name(lua->ev, s);

	viv_fault_add(lua->faults, viv_lua_here(lua), NULL,
		      "config.%s: nothing sets it and it has no default",
		      viv_name_text(lua->arena, &name));
	viv_lua_silent(lua->L);
}

void viv_lua_index_slot(struct viv_lua *lua, struct viv_slot *s, const char *key)
{
	struct viv_slot *child = viv_slot_child(lua->ev, s, key);
	struct viv_name name;

	if (!child && s->state == VIV_SLOT_FAILED)
		viv_lua_silent(lua->L);
	if (!child && s->type && s->type->kind == VIV_TYPE_SET) {
		lua_pushnil(lua->L);
		return;
	}
	if (!child) {
		name = viv_slot_name(lua->ev, s);
		name = viv_name_with(lua->arena, &name, viv_arena_strdup(lua->arena, key));
		viv_eval_unknown(lua->ev, &name, viv_lua_here(lua));
		viv_lua_silent(lua->L);
	}
	if (viv_slot_eval(lua->ev, child) < 0)
		viv_lua_silent(lua->L);
	if (!child->type || viv_type_is_branch(child->type))
		push_slot(lua->L, child);
	else if (!child->value)
		unset(lua, child);
	else
		viv_lua_push_value(lua, child->value);
}

static int config_index(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_slot *s = viv_lua_to_slot(L, 1);

	if (!s)
		return luaL_error(L, "this can't be read");
	if (lua_type(L, 2) != LUA_TSTRING)
		return luaL_error(L, "config has names, not numbers");
	viv_lua_index_slot(lua, s, lua_tostring(L, 2));
	return 1;
}

static int config_newindex(lua_State *L)
{
	return luaL_error(
		L, "config can only be read: assign to the option's name, outside the function");
}

static int config_len(lua_State *L)
{
	return luaL_error(L, "config has names and no length: use pairs");
}

static int config_misuse(lua_State *L)
{
	return luaL_error(L, "this is a set of options, not one value");
}

void viv_lua_push_slot_names(struct viv_lua *lua, struct viv_slot *s)
{
	if (viv_slot_eval(lua->ev, s) < 0)
		viv_lua_silent(lua->L);
	viv_slot_sort(s);
	lua_createtable(lua->L, (int)s->n_children, 0);
	for (size_t i = 0, n = 0; i < s->n_children; i++) {
		if (s->children[i]->alias)
			continue;
		lua_pushstring(lua->L, s->children[i]->key);
		lua_rawseti(lua->L, -2, (lua_Integer)++n);
	}
}

void viv_lua_open_config(struct viv_lua *lua)
{
	static const luaL_Reg events[] = {
		{"__index", config_index},
		{"__newindex", config_newindex},
		{"__len", config_len},
		{"__concat", config_misuse},
		{"__tostring", config_misuse},
		{"__call", config_misuse},
		{NULL, NULL},
	};

	luaL_newmetatable(lua->L, CONFIG_CLASS);
	luaL_setfuncs(lua->L, events, 0);
	lua_pushboolean(lua->L, 0);
	lua_setfield(lua->L, -2, "__metatable");
	lua_pop(lua->L, 1);
}

/* Arguments: the function, and a struct request. Runs protected. */
struct request {
	const struct viv_value *function;
	const struct viv_name *name;
	struct viv_value *result;
};

static int run(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct request *r = lua_touserdata(L, 1);
	struct viv_origin *origin = viv_arena_new(lua->arena, struct viv_origin);

	if (r->function->origin)
		*origin = *r->function->origin;
	lua_rawgeti(L, LUA_REGISTRYINDEX, r->function->handle);
	push_slot(L, lua->ev->root);
	/* function(config, nodes), as NixOS has it: for the error that says what to write instead. */
	if (lua->test)
		viv_lua_push_machines(lua, "nodes");
	lua_call(L, lua->test ? 2 : 1, 1);
	if (lua_isnil(L, -1)) {
		viv_fault_add(lua->faults, origin, r->name,
			      "%s: its function returned nothing (a value of null is written null)",
			      viv_name_text(lua->arena, r->name));
		viv_lua_silent(L);
	}
	r->result = viv_lua_copy(lua, lua_gettop(L), origin, r->name);
	return 0;
}

struct viv_value *viv_lua_call_function(struct viv_frontend *fe, const struct viv_value *f,
					const struct viv_name *name)
{
	struct viv_lua *lua = (struct viv_lua *)fe;
	struct request r = {.function = f, .name = name};

	lua->evaluating = true;
	if (!lua_checkstack(lua->L, 20))
		return NULL;
	lua_pushcfunction(lua->L, run);
	lua_pushlightuserdata(lua->L, &r);
	if (!viv_lua_call(lua, 1, name))
		return NULL;
	lua_pop(lua->L, 1);
	return r.result;
}
