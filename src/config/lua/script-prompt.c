/* SPDX-License-Identifier: MIT */
#include "config/lua/script-private.h"

/* Lines of a prompt: chunks whose globals are the variables of a function that waits, and the test file's. */

bool viv_lua_script_frame(struct viv_lua_script *s, lua_Debug *ret)
{
	lua_State *L = s->lua->L;

	for (int level = 0; lua_getstack(L, level, ret); level++) {
		lua_getinfo(L, "S", ret);
		if (viv_lua_file_of_chunk(s->lua, ret->source))
			return true;
	}
	return false;
}

/* Which local variable of the frame has the name: of several the innermost. 0: none. */
static int find_local(lua_State *L, const lua_Debug *frame, const char *name)
{
	const char *each;
	int found = 0;

	for (int n = 1; (each = lua_getlocal(L, frame, n)); n++) {
		lua_pop(L, 1);
		if (viv_streq(each, name))
			found = n;
	}
	return found;
}

/* The same of what its function has from those around it; the function is pushed if there is one. */
static int find_upvalue(lua_State *L, lua_Debug *frame, const char *name)
{
	const char *each;

	lua_getinfo(L, "f", frame);
	for (int n = 1; (each = lua_getupvalue(L, -1, n)); n++) {
		lua_pop(L, 1);
		if (viv_streq(each, name))
			return n;
	}
	lua_pop(L, 1);
	return 0;
}

static int prompt_index(lua_State *L)
{
	lua_Debug *frame = lua_touserdata(L, lua_upvalueindex(1));
	const char *name = frame && lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
	int n = name ? find_local(L, frame, name) : 0;

	if (n) {
		lua_getlocal(L, frame, n);
		return 1;
	}
	n = name ? find_upvalue(L, frame, name) : 0;
	if (n) {
		lua_getupvalue(L, -1, n);
		return 1;
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, viv_lua_of(L)->test->env);
	lua_pushvalue(L, 2);
	lua_gettable(L, -2);
	return 1;
}

static int prompt_newindex(lua_State *L)
{
	lua_Debug *frame = lua_touserdata(L, lua_upvalueindex(1));
	const char *name = frame && lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
	int n = name ? find_local(L, frame, name) : 0;

	if (n) {
		lua_pushvalue(L, 3);
		lua_setlocal(L, frame, n);
		return 0;
	}
	n = name ? find_upvalue(L, frame, name) : 0;
	if (n) {
		lua_pushvalue(L, 3);
		lua_setupvalue(L, -2, n);
		return 0;
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, viv_lua_of(L)->test->env);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, 3);
	lua_settable(L, -3);
	return 0;
}

static void set_globals(lua_State *L, lua_Debug *frame)
{
	static const luaL_Reg events[] = {{"__index", prompt_index}, {"__newindex", prompt_newindex}, {NULL, NULL}};

	lua_newtable(L);
	lua_newtable(L);
	lua_pushlightuserdata(L, frame);
	luaL_setfuncs(L, events, 1);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_setupvalue(L, -2, 1);
}

struct compiling {
	const char *text, *expression; /* the text as one */
	lua_Debug *frame;
	int code;
};

static int compile(lua_State *L)
{
	struct compiling *c = lua_touserdata(L, 1);
	int status = luaL_loadbufferx(L, c->expression, strlen(c->expression), "=prompt", "t");

	if (status == LUA_ERRSYNTAX) {
		lua_pop(L, 1);
		status = luaL_loadbufferx(L, c->text, strlen(c->text), "=prompt", "t");
	}
	if (status == LUA_ERRSYNTAX)
		c->code = viv_ends_with(lua_tostring(L, -1), "<eof>") ? -EAGAIN : -EINVAL;
	else if (status != LUA_OK)
		return lua_error(L);
	else
		set_globals(L, c->frame);
	return 1;
}

int viv_lua_script_compile(struct viv_lua_script *s, const char *text, lua_Debug *frame)
{
	VIV_FREE char *expression = viv_asprintf("return %s", text);
	struct compiling c = {text, expression, frame, 0};
	lua_State *L = s->lua->L;

	lua_pushcfunction(L, compile);
	lua_pushlightuserdata(L, &c);
	return lua_pcall(L, 1, 1, 0) == LUA_OK ? c.code : -ENOMEM;
}
