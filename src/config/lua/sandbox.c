/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"

/*
 * The libraries that a machine file sees: none that reads files, clocks or addresses, runs code
 * from text, or catches errors (an error that is caught would be an error nobody sees).
 */

/* Orders keys: numbers, then strings by bytes, then false and true. 2: they have no order. */
static int compare_keys(lua_State *L, int a, int b)
{
	int ta = lua_type(L, a), tb = lua_type(L, b);

	if (ta != tb) {
		static const int ranks[] = {
			[LUA_TNUMBER] = 1, [LUA_TSTRING] = 2, [LUA_TBOOLEAN] = 3};

		return ranks[ta] < ranks[tb] ? -1 : 1;
	}
	if (ta == LUA_TNUMBER)
		return lua_compare(L, a, b, LUA_OPEQ) ? 0 : lua_compare(L, a, b, LUA_OPLT) ? -1 : 1;
	if (ta == LUA_TSTRING) {
		size_t la, lb;
		const char *x = lua_tolstring(L, a, &la), *y = lua_tolstring(L, b, &lb);
		int r = memcmp(x, y, VIV_MIN(la, lb));

		return r ? r : la < lb ? -1 : la > lb;
	}
	return lua_toboolean(L, a) - lua_toboolean(L, b);
}

static int by_key(lua_State *L)
{
	lua_pushboolean(L, compare_keys(L, 1, 2) < 0);
	return 1;
}

static void check_key(lua_State *L, int index)
{
	int t = lua_type(L, index);

	if (t != LUA_TNUMBER && t != LUA_TSTRING && t != LUA_TBOOLEAN)
		luaL_error(L, "a table with a %s as a key can't be gone through: it has no order",
			   lua_typename(L, t));
}

/* Pushes the list of a table's keys, sorted. */
static void push_sorted_keys(lua_State *L, int table)
{
	lua_Integer n = 0;

	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, table)) {
		lua_pop(L, 1);
		check_key(L, -1);
		lua_pushvalue(L, -1);
		lua_rawseti(L, -3, ++n);
	}
	lua_getfield(L, LUA_REGISTRYINDEX, "viv.sort");
	lua_pushvalue(L, -2);
	lua_pushcfunction(L, by_key);
	lua_call(L, 2, 0);
}

/* Upvalues: the keys, the number of the last one, what has them: a caller's own argument may be another. */
static int pairs_step(lua_State *L)
{
	lua_Integer n = lua_tointeger(L, lua_upvalueindex(2));
	struct viv_slot *s = viv_lua_to_slot(L, lua_upvalueindex(3));

	lua_settop(L, 0);
	lua_pushvalue(L, lua_upvalueindex(3));
	for (;;) {
		lua_pushinteger(L, ++n);
		lua_replace(L, lua_upvalueindex(2));
		lua_settop(L, 1);
		if (lua_rawgeti(L, lua_upvalueindex(1), n) == LUA_TNIL)
			return 1;
		lua_pushvalue(L, -1);
		if (s)
			viv_lua_index_slot(viv_lua_of(L), s, lua_tostring(L, 2));
		else
			lua_gettable(L, 1);
		if (s)
			lua_remove(L, 3);
		if (!lua_isnil(L, -1))
			return 2; /* else it went away meanwhile, or nobody set it */
	}
}

/* Goes through nothing: the error was reported. */
static int no_steps(lua_State *L)
{
	lua_pushnil(L);
	return 1;
}

static int push_no_steps(lua_State *L)
{
	viv_lua_raise_faults(viv_lua_of(L));
	lua_pushcfunction(L, no_steps);
	return 1;
}

static int safe_pairs(lua_State *L)
{
	struct viv_slot *s = viv_lua_to_slot(L, 1);

	luaL_checkany(L, 1);
	/* No file can make such a table: it is one of a test's own. */
	if (lua_istable(L, 1) && luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
		lua_pushvalue(L, 1);
		lua_call(L, 1, 3);
		return 3;
	}
	if (s) {
		viv_lua_push_slot_names(viv_lua_of(L), s);
	} else {
		if (viv_lua_use_name(viv_lua_of(L), 1, VIV_LUA_OPERATED, NULL))
			return push_no_steps(L);
		luaL_checktype(L, 1, LUA_TTABLE);
		push_sorted_keys(L, 1);
	}
	lua_pushinteger(L, 0);
	lua_pushvalue(L, 1);
	lua_pushcclosure(L, pairs_step, 3);
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

static int ipairs_step(lua_State *L)
{
	lua_Integer i = luaL_checkinteger(L, 2) + 1;

	lua_pushinteger(L, i);
	return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
}

static int safe_ipairs(lua_State *L)
{
	if (viv_lua_use_name(viv_lua_of(L), 1, VIV_LUA_OPERATED, NULL))
		return push_no_steps(L);
	if (viv_lua_to_slot(L, 1))
		return luaL_error(L, "ipairs goes through lists; this has names: use pairs");
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_pushcfunction(L, ipairs_step);
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	return 3;
}

/* The key that follows in order: for next(t) == nil, mostly. */
static int safe_next(lua_State *L)
{
	bool found = false;

	if (viv_lua_use_name(viv_lua_of(L), 1, VIV_LUA_OPERATED, NULL))
		viv_lua_silent(L);
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	if (!lua_isnil(L, 2))
		check_key(L, 2);
	lua_pushnil(L); /* 3: the best so far */
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		lua_pop(L, 1);
		check_key(L, 4);
		if ((lua_isnil(L, 2) || compare_keys(L, 4, 2) > 0) &&
		    (!found || compare_keys(L, 4, 3) < 0)) {
			lua_pushvalue(L, 4);
			lua_replace(L, 3);
			found = true;
		}
	}
	if (!found)
		return 1;
	lua_pushvalue(L, 3);
	lua_pushvalue(L, 3);
	lua_gettable(L, 1);
	return 2;
}

/* As luaL_tolstring, without addresses. */
static void push_text(lua_State *L, int index)
{
	int t = lua_type(L, index);

	if (t == LUA_TNIL || t == LUA_TBOOLEAN || t == LUA_TNUMBER || t == LUA_TSTRING ||
	    luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
		if (t == LUA_TTABLE || t == LUA_TUSERDATA)
			lua_pop(L, 1);
		luaL_tolstring(L, index, NULL);
	} else {
		lua_pushstring(L, luaL_typename(L, index));
	}
}

static int safe_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	if (viv_lua_use_name(viv_lua_of(L), 1, VIV_LUA_OPERATED, NULL))
		viv_lua_push_broken(L);
	else
		push_text(L, 1);
	viv_lua_raise_faults(viv_lua_of(L));
	return 1;
}

static int safe_type(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_pushstring(L, viv_lua_to_slot(L, 1) ? "table" : luaL_typename(L, 1));
	return 1;
}

/* A table, or an object that doesn't say itself how it looks (a machine's, in a test). */
static bool is_data(struct viv_lua *lua, int index)
{
	if (lua_type(lua->L, index) == LUA_TTABLE)
		return true;
	return lua_type(lua->L, index) == LUA_TUSERDATA &&
	       (!lua->script || viv_lua_to_object(lua->L, index));
}

/*
 * Pushes data as JSON. A script may print for hours: what it takes to do so is not kept, and what has
 * no text is left out.
 */
static void push_json(struct viv_lua *lua, int index)
{
	struct viv_arena *arena = lua->arena;
	size_t faults = lua->faults->count;
	struct viv_name none = {0};
	char *text, *kept;
	json_t *j;

	if (lua->script) {
		viv_arena_free(&lua->scratch);
		lua->arena = &lua->scratch;
	}
	j = viv_value_to_json(viv_lua_copy(lua, index, viv_lua_here(lua), &none));
	text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
	kept = viv_arena_strdup(lua->arena, text ? text : "");
	free(text);
	json_decref(j);
	lua->arena = arena;
	if (lua->script)
		lua->faults->count = faults;
	lua_pushstring(lua->L, kept);
}

/* Tables as JSON, so that print is of use. */
static int safe_print(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	int n = lua_gettop(L);
	luaL_Buffer b;

	for (int i = 1; i <= n; i++) {
		if (is_data(lua, i))
			push_json(lua, i);
		else
			push_text(L, i);
		lua_replace(L, i);
	}
	luaL_buffinit(L, &b);
	for (int i = 1; i <= n; i++) {
		if (i > 1)
			luaL_addchar(&b, '\t');
		lua_pushvalue(L, i);
		luaL_addvalue(&b);
	}
	luaL_pushresult(&b);
	viv_lua_print(lua, lua_tostring(L, -1));
	return 0;
}

static const char *files_here(lua_State *L)
{
	return viv_lua_of(L)->script ? "tests" : "machine files";
}

/* No __gc (runs when it likes), no __close (runs when all is over), no __mode (values that go when they like). */
static int safe_setmetatable(lua_State *L)
{
	static const char *const refused[] = {"__gc", "__close", "__mode"};

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
	for (size_t i = 0; lua_istable(L, 2) && i < VIV_ARRAY_SIZE(refused); i++) {
		lua_pushstring(L, refused[i]);
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "%s is not there in %s", refused[i], files_here(L));
		lua_pop(L, 1);
	}
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "cannot change a protected metatable");
	lua_settop(L, 2);
	lua_setmetatable(L, 1);
	return 1;
}

/* string.format without %p; tables and functions without addresses. */
static int safe_format(lua_State *L)
{
	int n = lua_gettop(L);
	const char *f = luaL_checkstring(L, 1);

	for (const char *p = f; (p = strchr(p, '%'));) {
		p++;
		p += strspn(p, "-+ #0123456789.");
		if (*p == 'p')
			return luaL_error(L, "%%p is not there in %s", files_here(L));
		if (*p)
			p++;
	}
	for (int i = 2; i <= n; i++) {
		int t = lua_type(L, i);

		if (t != LUA_TTABLE && t != LUA_TFUNCTION && t != LUA_TUSERDATA)
			continue;
		push_text(L, i);
		lua_replace(L, i);
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, 1);
	return 1;
}

/*
 * Calls the library's own function, after noting where: these can run for ever within C, where only
 * the process's limit ends them, and the message is to name the line.
 */
static int noted(lua_State *L)
{
	lua_CFunction f = lua_tocfunction(L, lua_upvalueindex(1));

	viv_lua_note_here(viv_lua_of(L));
	return f(L);
}

static int refuse_change(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);

	viv_fault_add(lua->faults, viv_lua_here(lua), NULL,
		      "the libraries can't be changed (local names start with local)");
	viv_lua_raise_faults(lua);
	return 0;
}

/* Replaces the table on top by one that can only be read. */
static void protect(lua_State *L)
{
	lua_newtable(L);
	lua_newtable(L);
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, refuse_change);
	lua_setfield(L, -2, "__newindex");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_remove(L, -2);
}

static void open_library(lua_State *L, const char *name, lua_CFunction open,
			 const char *const *removed, const char *const *slow)
{
	lua_pushcfunction(L, open);
	lua_pushstring(L, name);
	lua_call(L, 1, 1);
	for (; removed && *removed; removed++) {
		lua_pushnil(L);
		lua_setfield(L, -2, *removed);
	}
	for (; slow && *slow; slow++) {
		lua_getfield(L, -1, *slow);
		lua_pushcclosure(L, noted, 1);
		lua_setfield(L, -2, *slow);
	}
}

static void open_string(lua_State *L)
{
	static const char *const removed[] = {"dump", NULL};
	static const char *const slow[] = {"find", "match", "gmatch", "gsub", "rep", NULL};

	open_library(L, "string", luaopen_string, removed, slow);
	lua_getfield(L, -1, "format");
	lua_pushcclosure(L, safe_format, 1);
	lua_setfield(L, -2, "format");
	/* ("x"):upper() finds the protected one; getmetatable("") tells nothing. */
	protect(L);
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 2);
}

void viv_lua_open_sandbox(struct viv_lua *lua)
{
	static const luaL_Reg own[] = {
		{"pairs", safe_pairs},
		{"ipairs", safe_ipairs},
		{"next", safe_next},
		{"tostring", safe_tostring},
		{"type", safe_type},
		{"print", safe_print},
		{"setmetatable", safe_setmetatable},
		{NULL, NULL},
	};
	static const char *const kept[] = {"assert", "error", "getmetatable", "select", "tonumber"};
	static const char *const no_random[] = {"random", "randomseed", NULL};
	static const char *const slow[] = {"concat", "insert", "move", "remove",
					   "sort",   "unpack", NULL};
	lua_State *L = lua->L;

	lua_newtable(L); /* what files see */
	lua_pushcfunction(L, luaopen_base);
	lua_call(L, 0, 1);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(kept); i++) {
		lua_getfield(L, -1, kept[i]);
		lua_setfield(L, -3, kept[i]);
	}
	lua_pop(L, 1);
	luaL_setfuncs(L, own, 0);
	open_string(L);
	lua_setfield(L, -2, "string");
	open_library(L, "table", luaopen_table, NULL, slow);
	lua_getfield(L, -1, "sort");
	lua_setfield(L, LUA_REGISTRYINDEX, "viv.sort");
	protect(L);
	lua_setfield(L, -2, "table");
	open_library(L, "math", luaopen_math, no_random, NULL);
	protect(L);
	lua_setfield(L, -2, "math");
	open_library(L, "utf8", luaopen_utf8, NULL, NULL);
	protect(L);
	lua_setfield(L, -2, "utf8");
	lua->libraries = luaL_ref(L, LUA_REGISTRYINDEX);
}
