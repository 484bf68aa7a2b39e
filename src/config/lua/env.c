/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

/*
 * A file's globals: the sandbox's functions, and for every other name an option's proxy. In a test
 * file, machines and tests as well, and variables of its own; in its functions, when they run, what
 * the script has (script.c).
 */

static bool is_machines(const char *key)
{
	return viv_streq(key, "machines") || viv_streq(key, "nodes") || viv_streq(key, "machine");
}

/* Pushes a name of test files; false: it is none. */
static bool push_of_tests(struct viv_lua *lua, const char *key)
{
	if (is_machines(key)) {
		viv_lua_push_machines(lua, key);
		return true;
	}
	lua_getfield(lua->L, LUA_REGISTRYINDEX, VIV_LUA_TEST_FUNCTIONS);
	if (lua_getfield(lua->L, -1, key) != LUA_TNIL)
		return true;
	lua_pop(lua->L, 2);
	return false;
}

/* Upvalue 1: the sandbox's globals; 2: the file. */
static int env_index(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_lua_file *file = lua_touserdata(L, lua_upvalueindex(2));
	struct viv_name name = {0};
	const char *key;

	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	if (lua->script)
		return viv_lua_script_global(lua);
	key = viv_arena_strdup(lua->arena, luaL_checkstring(L, 2));
	if (lua->test && lua->test->file == file && push_of_tests(lua, key))
		return 1;
	if (viv_streq(key, "options")) {
		viv_lua_push_options(lua, NULL);
		return 1;
	}
	name = viv_name_with(lua->arena, &name, key);
	viv_lua_push_read(lua, NULL, &name);
	return 1;
}

static bool is_library(lua_State *L, int key)
{
	bool found;

	lua_pushvalue(L, key);
	found = lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL;
	lua_pop(L, 1);
	return found;
}

static void set_imports(struct viv_lua *lua, struct viv_lua_file *file)
{
	struct viv_name none = {0}, name = viv_name_with(lua->arena, &none, "imports");
	struct viv_origin *origin = viv_lua_here(lua);

	if (lua->cond)
		luaL_error(lua->L, "imports can't depend on a condition");
	origin->lhs = name;
	origin->is_end = true;
	viv_lua_add_imports(lua, file, 3, origin);
}

/* A variable of the test file's own. Why it can't be one; NULL: it can. */
static const char *refuse_variable(struct viv_lua *lua, const char *key)
{
	const struct viv_lua_machine *m = viv_lua_machine_of_global(lua, key);

	if (viv_lua_is_test_function(lua, key) || viv_lua_is_reserved(lua, key))
		return "%s is a function of tests and can't be assigned (local names start with local)";
	if (is_machines(key) || m)
		return "%s is a machine of this file and can't be assigned (local names start with "
		       "local)";
	return NULL;
}

/* One that is nil again comes here as often as it likes: its name is kept once. */
static void set_variable(struct viv_lua *lua, const char *key)
{
	struct viv_lua_test_file *t = lua->test;
	lua_State *L = lua->L;

	lua_pushvalue(L, 2);
	lua_pushvalue(L, 3);
	lua_rawset(L, 1);
	for (size_t i = 0; i < t->n_variables; i++)
		if (viv_streq(t->variables[i], key))
			return;
	t->variables = viv_arena_grow(lua->arena, t->variables, &t->cap_variables,
				      t->n_variables + 1, sizeof(*t->variables));
	t->variables[t->n_variables++] = viv_arena_strdup(lua->arena, key);
}

/* True: the test file's own affair. */
static bool assign_in_test(struct viv_lua *lua, const char *key)
{
	const struct viv_name name = {&key, 1};
	const char *why;
	size_t used;

	if (viv_streq(key, "test") && lua_isfunction(lua->L, 3) && !lua->script) {
		viv_lua_add_lone_test(lua, 3);
		return true;
	}
	if (is_machines(key) && !lua->script) {
		viv_lua_assign_machines(lua, key, 3);
		return true;
	}
	why = refuse_variable(lua, key);
	if (why && lua->script)
		luaL_error(lua->L, why, key);
	if (why) {
		viv_fault_add(lua->faults, viv_lua_here(lua), NULL, why, key);
		return true;
	}
	if (!lua->script && (viv_streq(key, "imports") || viv_streq(key, "options") ||
			     viv_slot_find(lua->ev, &name, &used)))
		return false;
	if (lua->evaluating)
		return false;
	set_variable(lua, key);
	return true;
}

/* Upvalue 1: the sandbox's globals; 2: the file. */
static int env_newindex(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_lua_file *file = lua_touserdata(L, lua_upvalueindex(2));
	const char *key = luaL_checkstring(L, 2);
	struct viv_name none = {0}, name;

	if (!lua->script) /* else nothing is kept of it */
		key = viv_arena_strdup(lua->arena, key);
	if (is_library(L, 2)) {
		viv_fault_add(lua->faults, viv_lua_here(lua), NULL,
			      "%s belongs to the language here and can't be assigned "
			      "(local names start with local)",
			      key);
		viv_lua_raise_faults(lua);
		return 0;
	}
	if (lua->test && lua->test->file == file && assign_in_test(lua, key))
		return 0;
	if (file->library)
		return luaL_error(L,
				  "%s = … in a required file sets nothing: write local %s, or "
				  "list the file under imports",
				  key, key);
	name = viv_name_with(lua->arena, &none, key);
	if (viv_streq(key, "imports") && !lua->evaluating && !(lua->test && lua->test->file == file))
		set_imports(lua, file);
	else
		viv_lua_assign(lua, NULL, viv_streq(key, "options") ? &none : &name,
			       viv_streq(key, "options"), 3);
	return 0;
}

void viv_lua_push_env(struct viv_lua *lua, struct viv_lua_file *file)
{
	static const luaL_Reg events[] = {
		{"__index", env_index}, {"__newindex", env_newindex}, {NULL, NULL}};
	lua_State *L = lua->L;

	lua_newtable(L);
	lua_newtable(L);
	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->libraries);
	lua_pushlightuserdata(L, file);
	luaL_setfuncs(L, events, 2);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
}
