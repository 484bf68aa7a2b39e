/* SPDX-License-Identifier: MIT */
#include "config/lua/script-private.h"

/* What functions of a test see that run, beside what its top level sees. */

void viv_lua_script_translate(struct viv_lua *lua)
{
	struct viv_origin at = {0};
	const char *rest;

	if (lua_type(lua->L, -1) != LUA_TSTRING)
		return;
	rest = viv_lua_split_place(lua, lua_tostring(lua->L, -1), &at);
	rest = viv_lua_plain_error(lua, rest);
	if (at.file)
		lua_pushfstring(lua->L, "%s:%d: %s", at.file->shown, at.line, rest);
	else
		lua_pushstring(lua->L, rest);
	lua_remove(lua->L, -2);
}

/* After a lua_pcall of the script's own: some errors are not its. */
static void pass_on(struct viv_lua_script *s, int status)
{
	s->lua->arena = &s->arena; /* print may have been on another */
	if (s->stopped)
		viv_lua_script_stop(s, s->stopped);
	if (status == LUA_ERRMEM)
		viv_lua_script_stop(s, -ENOMEM);
}

static int to_text(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);

	if (!s->stopped)
		viv_lua_script_translate(s->lua);
	return 1;
}

static int script_pcall(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);
	int status;

	luaL_checkany(L, 1);
	lua_pushcfunction(L, to_text);
	lua_insert(L, 1);
	status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
	pass_on(s, status);
	lua_pushboolean(L, status == LUA_OK);
	lua_replace(L, 1);
	return lua_gettop(L);
}

/* The script's own handler; upvalue 1. */
static int call_handler(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);

	if (s->stopped)
		return 1;
	viv_lua_script_translate(s->lua);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

static int script_xpcall(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);
	int status;

	luaL_checkany(L, 1);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, call_handler, 1);
	lua_insert(L, 1);
	lua_remove(L, 3);
	status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
	pass_on(s, status);
	lua_pushboolean(L, status == LUA_OK);
	lua_replace(L, 1);
	return lua_gettop(L);
}

/* The sandbox's math gets random, whose numbers are the same in every run. */
static void add_random(struct viv_lua *lua)
{
	lua_State *L = lua->L;

	lua_pushcfunction(L, luaopen_math);
	lua_call(L, 0, 1);
	lua_getfield(L, -1, "randomseed");
	lua_pushinteger(L, 1);
	lua_call(L, 1, 0);
	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->libraries);
	lua_getfield(L, -1, "math");
	luaL_getmetafield(L, -1, "__index");
	lua_getfield(L, -4, "random");
	lua_setfield(L, -2, "random");
	lua_pop(L, 4);
}

void viv_lua_script_open(struct viv_lua_script *s)
{
	static const luaL_Reg functions[] = {
		{"pcall", script_pcall}, {"xpcall", script_xpcall}, {NULL, NULL}};
	lua_State *L = s->lua->L;

	luaL_newlib(L, functions);
	s->library = luaL_ref(L, LUA_REGISTRYINDEX);
	add_random(s->lua);
	lua_pushboolean(L, 0);
	s->traced_value = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* ---- globals ---- */

static void push_near(struct viv_lua *lua, const char *key)
{
	VIV_STRV names = VIV_STRV_INIT, near = VIV_STRV_INIT;
	const struct viv_lua_test_file *t = lua->test;
	char nearest[VIV_LUA_MAX_LABEL] = "";
	lua_State *L = lua->L;

	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->libraries);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		lua_pop(L, 1);
		viv_strv_push(&names, lua_tostring(L, -1));
	}
	lua_pop(L, 1);
	for (size_t i = 0; i < t->n_machines; i++)
		viv_strv_push(&names, t->machines[i].global);
	for (size_t i = 0; i < t->n_variables; i++)
		viv_strv_push(&names, t->variables[i]);
	if (!t->n_machines)
		viv_strv_push(&names, "machine");
	for (const char *const *r = t->spec->reserved; r && *r; r++)
		viv_strv_push(&names, *r);
	viv_strv_sort(&names);
	viv_suggest(key, (const char *const *)names.items, names.count, 1, &near);
	if (near.count)
		snprintf(nearest, sizeof(nearest), "%s", near.items[0]);
	viv_strv_free(&names);
	viv_strv_free(&near);
	lua_pushstring(L, nearest);
}

#define MACHINES_SHOWN 10

/* "client, web_1" */
static const char *push_machines(struct viv_lua *lua)
{
	const struct viv_lua_test_file *t = lua->test;
	luaL_Buffer list;

	luaL_buffinit(lua->L, &list);
	if (!t->n_machines)
		luaL_addstring(&list, "machine");
	for (size_t i = 0; i < t->n_machines && i < MACHINES_SHOWN; i++) {
		luaL_addstring(&list, i ? ", " : "");
		luaL_addstring(&list, t->machines[i].global);
	}
	if (t->n_machines > MACHINES_SHOWN)
		luaL_addstring(&list, ", …");
	luaL_pushresult(&list);
	return lua_tostring(lua->L, -1);
}

/* What to say of it, on the stack. */
static const char *push_unknown(struct viv_lua *lua, const char *key)
{
	const char *hint = viv_lua_foreign_hint(lua, key);
	const struct viv_name name = {&key, 1};
	lua_State *L = lua->L;
	size_t used;

	if (hint)
		return lua_pushfstring(L, "no %s here: %s", key, hint);
	if (viv_lua_is_test_function(lua, key))
		return lua_pushfstring(L, "%s(…) stands at the top level of the file, not in a test", key);
	if (viv_slot_find(lua->ev, &name, &used) || viv_streq(key, "imports") ||
	    viv_streq(key, "options"))
		return lua_pushfstring(L, "%s is an option: settings stand outside of test(…)", key);
	push_near(lua, key);
	if (*lua_tostring(L, -1))
		return lua_pushfstring(L, "%s is not defined (did you mean %s?)", key,
				  lua_tostring(L, -1));
	return lua_pushfstring(L, "%s is not defined; this file's machines: %s", key, push_machines(lua));
}

static int unknown(struct viv_lua *lua, const char *key)
{
	const char *text = push_unknown(lua, key);

	return lua->script->mistake ? lua->script->mistake(lua->L, lua->script->arg) : luaL_error(lua->L, "%s", text);
}

int viv_lua_script_global(struct viv_lua *lua)
{
	struct viv_lua_script *s = lua->script;
	lua_State *L = lua->L;

	luaL_checktype(L, 2, LUA_TSTRING);
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->library);
	lua_pushvalue(L, 2);
	if (lua_rawget(L, -2) != LUA_TNIL)
		return 1;
	lua_settop(L, 2);
	if (s->lookup && s->lookup(L, s->arg) > 0)
		return 1;
	return unknown(lua, lua_tostring(L, 2));
}

const char *viv_lua_script_check_path(lua_State *L, int index)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_lua_file *here = viv_lua_file_here(lua), *file = here ? here : lua->test->file; /* at a prompt */
	struct viv_lua_object *o = viv_lua_to_object(L, index);
	const char *path = o && o->value->kind == VIV_VALUE_PATH ? o->value->text : NULL;

	if (!path && (lua_type(L, index) != LUA_TSTRING || !file))
		luaL_error(L, "a file is expected, \"./file\" or path(\"./file\"), got a %s",
			   luaL_typename(L, index));
	if (!path)
		path = viv_lua_resolve(lua, file, viv_lua_check_text(L, index), viv_lua_here(lua), NULL);
	viv_lua_raise_faults(lua);
	lua_pushstring(L, path);
	lua_replace(L, index);
	return lua_tostring(L, index);
}
