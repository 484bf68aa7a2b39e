/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

/*
 * `machines` in a test's function: its machines by their names, machines["web-1"] or machines.web_1, that
 * pairs goes through in the order of their names. Nothing can be put into it.
 */

#define MACHINES_TYPE "viv.machines"

static struct runner *runner_here(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

static int machines_index(lua_State *L)
{
	struct runner *r = runner_here(L);
	const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
	struct guest *g = name ? runner_find(r, name) : NULL;

	if (g) {
		call_push_guest(L, g);
		return 1;
	}
	if (name)
		lua_pushfstring(L, "there is no machine %s in this test", name);
	else
		lua_pushliteral(L, "machines has names: for name, machine in pairs(machines) do … end");
	return call_mistake(L, r);
}

static int machines_count(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)runner_here(L)->n_guests);
	return 1;
}

static int machines_set(lua_State *L)
{
	lua_pushliteral(L, "a machine's settings stand outside of tests: here it runs");
	return call_mistake(L, runner_here(L));
}

/* The next name is the least of those that come after the last one. */
static int machines_step(lua_State *L)
{
	const struct runner *r = runner_here(L);
	const char *last = lua_tostring(L, 2);
	struct guest *next = NULL;

	for (size_t i = 0; i < r->n_guests; i++) {
		struct guest *g = r->guests[i];

		if ((!last || strcmp(g->name, last) > 0) && (!next || strcmp(g->name, next->name) < 0))
			next = g;
	}
	if (!next) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushstring(L, next->name);
	call_push_guest(L, next);
	return 2;
}

static int machines_pairs(lua_State *L)
{
	lua_pushlightuserdata(L, runner_here(L));
	lua_pushcclosure(L, machines_step, 1);
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

void call_push_machines(struct runner *r, lua_State *L)
{
	static const luaL_Reg events[] = {{"__index", machines_index},
					  {"__newindex", machines_set},
					  {"__pairs", machines_pairs},
					  {"__len", machines_count},
					  {NULL, NULL}};

	lua_newtable(L);
	if (luaL_newmetatable(L, MACHINES_TYPE)) {
		lua_pushlightuserdata(L, r);
		luaL_setfuncs(L, events, 1);
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_setmetatable(L, -2);
}
