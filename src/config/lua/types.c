/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"

/* types.… and mkOption{…}: options that machine files declare. */

#define TYPE_CLASS   "viv.type"
#define OPTION_CLASS "viv.option"

struct option_object {
	struct viv_option *option;
	size_t tracked;
};

struct viv_option *viv_lua_to_option(lua_State *L, int index)
{
	struct option_object *o = luaL_testudata(L, index, OPTION_CLASS);

	if (!o)
		return NULL;
	viv_lua_of(L)->wrappers[o->tracked - 1].used = true;
	return o->option;
}

static void push_type(lua_State *L, const struct viv_type *t)
{
	const struct viv_type **p = lua_newuserdatauv(L, sizeof(*p), 0);

	*p = t;
	luaL_setmetatable(L, TYPE_CLASS);
}

/* A type's copy, pushed. */
static int make(lua_State *L, struct viv_type t)
{
	struct viv_type *kept;

	t.height = 1 + VIV_MAX(t.of ? t.of->height : 0, t.other ? t.other->height : 0);
	for (size_t i = 0; i < t.n_fields; i++)
		t.height = VIV_MAX(t.height, t.fields[i].type->height + 1);
	if (t.height > VIV_LUA_MAX_NESTING)
		return luaL_error(L, "types more than %d deep in each other", VIV_LUA_MAX_NESTING);
	kept = viv_arena_new(viv_lua_of(L)->arena, struct viv_type);
	*kept = t;
	push_type(L, kept);
	return 1;
}

static const struct viv_type *check_type(lua_State *L, int index, const char *usage)
{
	const struct viv_type **p = luaL_testudata(L, index, TYPE_CLASS);

	if (!p)
		luaL_error(L, "it is written %s", usage);
	return *p;
}

static int list_of(lua_State *L)
{
	return make(L, (struct viv_type){.kind = VIV_TYPE_LIST,
					 .of = check_type(L, 1, "types.listOf(types.str)")});
}

static int attrs_of(lua_State *L)
{
	return make(L, (struct viv_type){.kind = VIV_TYPE_SET,
					 .of = check_type(L, 1, "types.attrsOf(types.str)")});
}

static int null_or(lua_State *L)
{
	return make(L, (struct viv_type){.kind = VIV_TYPE_NULL_OR,
					 .of = check_type(L, 1, "types.nullOr(types.str)")});
}

static int either(lua_State *L)
{
	const char *usage = "types.either(types.int, types.str)";

	return make(L, (struct viv_type){.kind = VIV_TYPE_EITHER,
					 .of = check_type(L, 1, usage),
					 .other = check_type(L, 2, usage)});
}

static int between(lua_State *L)
{
	if (!lua_isinteger(L, 1) || !lua_isinteger(L, 2) ||
	    lua_tointeger(L, 1) > lua_tointeger(L, 2))
		return luaL_error(L, "it is written types.between(1, 10)");
	return make(L, (struct viv_type){.kind = VIV_TYPE_INT,
					 .min = lua_tointeger(L, 1),
					 .max = lua_tointeger(L, 2)});
}

static int enum_of(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	const char **values;
	lua_Integer n;

	luaL_argexpected(L, lua_istable(L, 1), 1, "list of strings");
	n = luaL_len(L, 1);
	if (n < 1 || n > 1000)
		return luaL_error(L, "it is written types.enum{ \"a\", \"b\" }");
	values = viv_arena_array(lua->arena, const char *, (size_t)n + 1);
	for (lua_Integer i = 1; i <= n; i++) {
		if (lua_rawgeti(L, 1, i) != LUA_TSTRING)
			return luaL_error(L, "it is written types.enum{ \"a\", \"b\" }");
		values[i - 1] = viv_arena_strdup(lua->arena, lua_tostring(L, -1));
		lua_pop(L, 1);
	}
	return make(L, (struct viv_type){.kind = VIV_TYPE_ENUM, .values = values});
}

static int compare_options(const void *a, const void *b)
{
	return strcmp(((const struct viv_option *)a)->name, ((const struct viv_option *)b)->name);
}

/* types.submodule{ a = mkOption{…}, … }, or { options = { … } } as in NixOS. */
static int submodule(lua_State *L)
{
	static const char usage[] = "it is written types.submodule{ name = mkOption{…}, … }";
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_option *fields = NULL;
	size_t n = 0, cap = 0;

	luaL_argexpected(L, lua_istable(L, 1), 1, "table");
	lua_settop(L, 1);
	if (lua_getfield(L, 1, "options") == LUA_TTABLE)
		lua_replace(L, 1);
	lua_settop(L, 1);
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		struct viv_option *o = viv_lua_to_option(L, -1);

		if (!o || lua_type(L, -2) != LUA_TSTRING)
			return luaL_error(L, usage);
		fields = viv_arena_grow(lua->arena, fields, &cap, n + 1, sizeof(*fields));
		fields[n] = *o;
		fields[n++].name = viv_arena_strdup(lua->arena, lua_tostring(L, -2));
		lua_pop(L, 1);
	}
	if (n)
		qsort(fields, n, sizeof(*fields), compare_options);
	return make(L,
		    (struct viv_type){.kind = VIV_TYPE_SUBMODULE, .fields = fields, .n_fields = n});
}

static const char *optional_text(lua_State *L, const char *field)
{
	struct viv_lua *lua = viv_lua_of(L);
	const char *text = NULL;
	int t = lua_getfield(L, 1, field);

	if (t == LUA_TSTRING)
		text = viv_arena_strdup(lua->arena, lua_tostring(L, -1));
	else if (t != LUA_TNIL)
		luaL_error(L, "mkOption: %s is a string", field);
	lua_pop(L, 1);
	return text;
}

/* No member but those known: a misspelt one would be silently nothing. */
static void check_members(lua_State *L)
{
	static const char *const known[] = {"type", "default", "example", "description"};

	lua_pushnil(L);
	while (lua_next(L, 1)) {
		bool found = false;

		for (size_t i = 0; i < VIV_ARRAY_SIZE(known); i++)
			if (lua_type(L, -2) == LUA_TSTRING &&
			    viv_streq(lua_tostring(L, -2), known[i]))
				found = true;
		if (!found)
			luaL_error(L, "mkOption takes type, default, example and description%s%s",
				   lua_type(L, -2) == LUA_TSTRING ? ", not " : "",
				   lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "");
		lua_pop(L, 1);
	}
}

static int make_option(lua_State *L)
{
	static const char usage[] =
		"mkOption{ type = types.int, default = 3, description = \"…\" }";
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_option *o = viv_arena_new(lua->arena, struct viv_option);
	struct viv_origin *origin = viv_lua_here(lua);
	struct viv_name none = {0}, name = viv_name_with(lua->arena, &none, "mkOption");
	struct option_object *p;

	if (!lua_istable(L, 1))
		return luaL_error(L, "it is written %s", usage);
	check_members(L);
	name = viv_name_with(lua->arena, &name, "default");
	lua_getfield(L, 1, "type");
	o->type = check_type(L, -1, usage);
	o->text = optional_text(L, "description");
	if (lua_getfield(L, 1, "default") != LUA_TNIL)
		o->fallback_value = viv_lua_copy(lua, lua_gettop(L), origin, &name);
	p = lua_newuserdatauv(L, sizeof(*p), 0);
	p->option = o;
	p->tracked =
		viv_lua_track(lua, viv_value_new(lua->arena, VIV_VALUE_BROKEN, origin), "mkOption");
	luaL_setmetatable(L, OPTION_CLASS);
	return 1;
}

static const struct {
	const char *name;
	struct viv_type type;
} plain[] = {
	{"bool", {.kind = VIV_TYPE_BOOL}},
	{"int", {.kind = VIV_TYPE_INT}},
	{"positive", {.kind = VIV_TYPE_INT, .min = 1, .max = INT64_MAX}},
	{"unsigned", {.kind = VIV_TYPE_INT, .min = 0, .max = INT64_MAX}},
	{"port", {.kind = VIV_TYPE_INT, .min = 1, .max = 65535}},
	{"number", {.kind = VIV_TYPE_NUMBER}},
	{"size", {.kind = VIV_TYPE_SIZE}},
	{"str", {.kind = VIV_TYPE_STRING}},
	{"lines", {.kind = VIV_TYPE_LINES}},
	{"path", {.kind = VIV_TYPE_PATH}},
	{"package", {.kind = VIV_TYPE_PACKAGE}},
	{"source", {.kind = VIV_TYPE_SOURCE}},
	{"anything", {.kind = VIV_TYPE_ANY}},
	{"func", {.kind = VIV_TYPE_FUNCTION}},
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int types_index(lua_State *L)
{
	const char *names[64], *wanted = luaL_checkstring(L, 2);
	VIV_STRV near = VIV_STRV_INIT;
	struct viv_lua *lua = viv_lua_of(L);
	const char *hint = "";
	size_t n = 0;

	lua_pushnil(L);
	while (lua_next(L, lua_upvalueindex(1)) && n < VIV_ARRAY_SIZE(names)) {
		names[n++] = lua_tostring(L, -2);
		lua_pop(L, 1);
	}
	qsort(names, n, sizeof(*names), compare_names);
	viv_suggest(wanted, names, n, 1, &near);
	if (near.count)
		hint = viv_arena_printf(lua->arena, " (did you mean types.%s?)", near.items[0]);
	viv_strv_free(&near);
	return luaL_error(L, "no type types.%s%s", wanted, hint);
}

static int types_newindex(lua_State *L)
{
	return luaL_error(L, "types can't be changed");
}

void viv_lua_open_types(struct viv_lua *lua)
{
	static const luaL_Reg functions[] = {
		{"listOf", list_of},	  {"attrsOf", attrs_of}, {"nullOr", null_or},
		{"either", either},	  {"between", between},	 {"enum", enum_of},
		{"submodule", submodule}, {NULL, NULL},
	};
	lua_State *L = lua->L;

	luaL_newmetatable(L, TYPE_CLASS);
	viv_lua_add_misuse(L);
	luaL_newmetatable(L, OPTION_CLASS);
	viv_lua_add_misuse(L);
	lua_pop(L, 2);
	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->libraries);
	lua_pushcfunction(L, make_option);
	lua_setfield(L, -2, "mkOption");
	lua_newtable(L); /* types: reads go through to `all` */
	lua_newtable(L);
	lua_newtable(L); /* all */
	luaL_setfuncs(L, functions, 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(plain); i++) {
		push_type(L, &plain[i].type);
		lua_setfield(L, -2, plain[i].name);
	}
	lua_pushvalue(L, -1);
	lua_newtable(L); /* all's metatable: says what isn't there */
	lua_pushvalue(L, -2);
	lua_pushcclosure(L, types_index, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, types_newindex);
	lua_setfield(L, -2, "__newindex");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_setfield(L, -2, "types");
	lua_pop(L, 1);
}
