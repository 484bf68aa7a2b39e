/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"

/* What machine files make values with, beside Lua's own: mkIf, mkForce, pkgs, path, ref, null. */

#define OBJECT_CLASS "viv.object"
#define PKGS_CLASS   "viv.pkgs"

struct viv_lua_object *viv_lua_to_object(lua_State *L, int index)
{
	return luaL_testudata(L, index, OBJECT_CLASS);
}

void viv_lua_push_object(struct viv_lua *lua, struct viv_value *v)
{
	struct viv_lua_object *o = lua_newuserdatauv(lua->L, sizeof(*o), 0);

	*o = (struct viv_lua_object){v, 0};
	luaL_setmetatable(lua->L, OBJECT_CLASS);
}

size_t viv_lua_track(struct viv_lua *lua, struct viv_value *v, const char *made_by)
{
	lua->wrappers = viv_arena_grow(lua->arena, lua->wrappers, &lua->cap_wrappers,
				       lua->n_wrappers + 1, sizeof(*lua->wrappers));
	lua->wrappers[lua->n_wrappers++] = (struct viv_lua_wrapper){
		.value = v, .made_by = made_by, .cond = lua->cond, .seq = lua->next_seq++};
	return lua->n_wrappers;
}

static int push_wrapper(struct viv_lua *lua, struct viv_value *v, const char *made_by)
{
	struct viv_lua_object *o;

	viv_lua_push_object(lua, v);
	o = lua_touserdata(lua->L, -1);
	o->wrapper = viv_lua_track(lua, v, made_by);
	return 1;
}

/* The argument as data; its faults name the function that it was given to. */
static struct viv_value *argument(struct viv_lua *lua, int index, struct viv_origin *origin,
				  const char *function)
{
	const char *parts[] = {function};
	struct viv_name name = {0};

	name = viv_name_with(lua->arena, &name, parts[0]);
	return viv_lua_copy(lua, index, origin, &name);
}

static void check_count(lua_State *L, int n, const char *usage)
{
	if (lua_gettop(L) != n)
		luaL_error(L, "it is written %s", usage);
}

static int wrap(lua_State *L, enum viv_value_kind kind, int64_t number, int index,
		const char *made_by)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_origin *origin = viv_lua_here(lua);
	struct viv_value *v = viv_value_new(lua->arena, kind, origin);

	v->wrap.number = number;
	v->wrap.inner = argument(lua, index, origin, made_by);
	v->height = v->wrap.inner->height + 1;
	return push_wrapper(lua, v, made_by);
}

/* mkForce(v) and its kin: the table below. Upvalue: its row. */
static const struct {
	const char *name;
	enum viv_value_kind kind;
	int64_t number;
} simple[] = {
	{"mkDefault", VIV_VALUE_OVERRIDE, VIV_PRIORITY_DEFAULT},
	{"mkForce", VIV_VALUE_OVERRIDE, VIV_PRIORITY_FORCE},
	{"mkVMOverride", VIV_VALUE_OVERRIDE, VIV_PRIORITY_VM},
	{"mkBefore", VIV_VALUE_ORDER, VIV_ORDER_BEFORE},
	{"mkAfter", VIV_VALUE_ORDER, VIV_ORDER_AFTER},
};

static int make_simple(lua_State *L)
{
	size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(1));
	char usage[64];

	snprintf(usage, sizeof(usage), "%s(value)", simple[i].name);
	check_count(L, 1, usage);
	return wrap(L, simple[i].kind, simple[i].number, 1, simple[i].name);
}

static int make_numbered(lua_State *L, enum viv_value_kind kind, const char *name,
			 const char *usage)
{
	check_count(L, 2, usage);
	if (!lua_isinteger(L, 1) || lua_tointeger(L, 1) < 0 || lua_tointeger(L, 1) > 100000)
		return luaL_error(L, "%s: expected a whole number from 0 to 100000", name);
	return wrap(L, kind, lua_tointeger(L, 1), 2, name);
}

static int make_override(lua_State *L)
{
	return make_numbered(L, VIV_VALUE_OVERRIDE, "mkOverride", "mkOverride(priority, value)");
}

static int make_order(lua_State *L)
{
	return make_numbered(L, VIV_VALUE_ORDER, "mkOrder", "mkOrder(position, value)");
}

static int make_if(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_origin *origin = viv_lua_here(lua);
	struct viv_value *v = viv_value_new(lua->arena, VIV_VALUE_IF, origin), *test;

	check_count(L, 2,
		    "mkIf(condition, value), or mkIf(condition, function() … end) for a block");
	test = argument(lua, 1, origin, "mkIf");
	if (test->kind != VIV_VALUE_BOOL && test->kind != VIV_VALUE_FUNCTION &&
	    test->kind != VIV_VALUE_REF && test->kind != VIV_VALUE_BROKEN) {
		VIV_STR got = VIV_STR_INIT;

		viv_value_describe(test, &got);
		viv_fault_add(lua->faults, origin, NULL,
			      "mkIf: expected true, false, ref \"…\" or a function(config) as the "
			      "condition, got %s",
			      got.data);
		test->kind = VIV_VALUE_BROKEN;
	}
	v->wrap.test = test;
	v->wrap.inner = argument(lua, 2, origin, "mkIf");
	v->height = v->wrap.inner->height + 1;
	return push_wrapper(lua, v, "mkIf");
}

static int make_merge(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_origin *origin = viv_lua_here(lua);
	struct viv_value *list, *v;

	check_count(L, 1, "mkMerge{ value, value, … }");
	list = argument(lua, 1, origin, "mkMerge");
	if (list->kind == VIV_VALUE_EMPTY || list->kind == VIV_VALUE_BROKEN) {
		viv_lua_push_object(lua, list);
		return 1;
	}
	if (list->kind != VIV_VALUE_LIST)
		return luaL_error(L, "it is written mkMerge{ value, value, … }");
	v = viv_value_new(lua->arena, VIV_VALUE_MERGE, origin);
	v->list = list->list;
	v->height = list->height;
	return push_wrapper(lua, v, "mkMerge");
}

static int make_ref(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_value *v = viv_value_new(lua->arena, VIV_VALUE_REF, viv_lua_here(lua));

	if (viv_lua_use_name(lua, 1, VIV_LUA_OPERATED, NULL))
		viv_lua_silent(L);
	if (lua_type(L, 1) != LUA_TSTRING ||
	    !viv_name_parse(lua->arena, viv_lua_check_text(L, 1), &v->ref))
		return luaL_error(L, "it is written ref \"networking.hostName\"");
	viv_lua_push_object(lua, v);
	return 1;
}

static int make_path(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_origin *origin = viv_lua_here(lua);
	struct viv_lua_file *file = viv_lua_file_here(lua);
	const char *path;

	if (lua_type(L, 1) != LUA_TSTRING || !*lua_tostring(L, 1))
		return luaL_error(L, "it is written path(\"./file\")");
	path = file ? viv_lua_resolve(lua, file, viv_lua_check_text(L, 1), origin, NULL) : NULL;
	if (!path)
		viv_lua_silent(L);
	viv_lua_push_object(lua, viv_value_text(lua->arena, VIV_VALUE_PATH, path, origin));
	return 1;
}

/* The table's member as text; NULL if it isn't there. */
static const char *member(lua_State *L, const char *key, const char *usage)
{
	const char *text = NULL;
	int t = lua_getfield(L, 1, key);

	if (t == LUA_TSTRING)
		text = viv_arena_strdup(viv_lua_of(L)->arena, viv_lua_check_text(L, -1));
	else if (t != LUA_TNIL)
		luaL_error(L, "it is written %s", usage);
	lua_pop(L, 1);
	return text;
}

/* Only the members named may be there: a misspelt one would be silently nothing. */
static void check_members(lua_State *L, const char *const *known, const char *usage)
{
	luaL_argexpected(L, lua_istable(L, 1), 1, "table");
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		bool found = false;

		for (const char *const *k = known; *k; k++)
			found |= lua_type(L, -2) == LUA_TSTRING &&
				 viv_streq(lua_tostring(L, -2), *k);
		if (!found)
			luaL_error(L, "it is written %s", usage);
		lua_pop(L, 1);
	}
}

static void add_member(struct viv_lua *lua, struct viv_value *v, const char *key, const char *text)
{
	if (text)
		v->set.items[v->set.count++] = (struct viv_member){
			key, viv_value_text(lua->arena, VIV_VALUE_STRING, text, v->origin)};
}

static struct viv_value *new_source(struct viv_lua *lua, const char *how)
{
	struct viv_value *v = viv_value_new(lua->arena, VIV_VALUE_SOURCE, viv_lua_here(lua));

	v->set.items = viv_arena_array(lua->arena, struct viv_member, 4);
	add_member(lua, v, "fetch", how);
	return v;
}

/* fetchGit "~/tree", or fetchGit{ url or path, rev }. */
static int fetch_git(lua_State *L)
{
	static const char usage[] =
		"fetchGit{ url = \"https://…\", rev = \"…\" } or fetchGit \"./tree\"";
	static const char *const known[] = {"url", "path", "rev", NULL};
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_lua_file *file = viv_lua_file_here(lua);
	struct viv_value *v = new_source(lua, "git");
	const char *url = NULL, *path, *rev = NULL;

	if (lua_type(L, 1) == LUA_TSTRING) {
		path = viv_lua_check_text(L, 1);
	} else {
		check_members(L, known, usage);
		url = member(L, "url", usage);
		path = member(L, "path", usage);
		rev = member(L, "rev", usage);
	}
	if (!url == !path || (url && !viv_rule_url.ok(url)) || !file)
		return luaL_error(L, "it is written %s", usage);
	if (url && !rev)
		return luaL_error(
			L,
			"fetchGit: a url needs rev = \"…\", the commit, to be the same every time");
	if (path) {
		path = viv_lua_resolve(lua, file, path, v->origin, NULL);
		if (!path)
			viv_lua_silent(L);
	}
	add_member(lua, v, "path", path);
	add_member(lua, v, "rev", rev);
	add_member(lua, v, "url", url);
	viv_lua_push_object(lua, v);
	return 1;
}

static int fetch_tarball(lua_State *L)
{
	static const char usage[] = "fetchTarball{ url = \"https://…\", sha256 = \"64 digits\" }";
	static const char *const known[] = {"url", "sha256", NULL};
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_value *v = new_source(lua, "tarball");
	const char *url, *hash;

	check_members(L, known, usage);
	url = member(L, "url", usage);
	hash = member(L, "sha256", usage);
	if (!url || !hash || !viv_rule_url.ok(url) || strlen(hash) != 64 ||
	    strspn(hash, "0123456789abcdef") != 64)
		return luaL_error(L, "it is written %s", usage);
	add_member(lua, v, "sha256", hash);
	add_member(lua, v, "url", url);
	viv_lua_push_object(lua, v);
	return 1;
}

/* isYes "VIRTIO_BLK" and its kin: an item of system.requiredKernelConfig. Upvalues: the function, the state. */
static int make_required(lua_State *L)
{
	const char *function = lua_tostring(L, lua_upvalueindex(1));

	if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING)
		return luaL_error(L, "it is written %s \"NAME\"", function);
	if (!viv_rule_kconfig.ok(viv_lua_check_text(L, 1)))
		return luaL_error(L, "%s: expected %s, got \"%s\"", function, viv_rule_kconfig.expected,
				  lua_tostring(L, 1));
	lua_createtable(L, 0, 2);
	lua_pushvalue(L, 1);
	lua_setfield(L, -2, "name");
	lua_pushvalue(L, lua_upvalueindex(2));
	lua_setfield(L, -2, "state");
	return 1;
}

static void open_required(lua_State *L)
{
	static const char *const names[][2] = {
		{"isYes", "yes"}, {"isModule", "module"}, {"isEnabled", "enabled"}, {"isNo", "no"}};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++) {
		lua_pushstring(L, names[i][0]);
		lua_pushstring(L, names[i][1]);
		lua_pushcclosure(L, make_required, 2);
		lua_setfield(L, -2, names[i][0]);
	}
}

static struct viv_value *package(struct viv_lua *lua, const char *name)
{
	if (!viv_rule_package.ok(name))
		luaL_error(lua->L, "pkgs: \"%s\" is no package's name", name);
	return viv_value_text(lua->arena, VIV_VALUE_PACKAGE, viv_arena_strdup(lua->arena, name),
			      viv_lua_here(lua));
}

static int pkgs_index(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);

	if (lua_type(L, 2) != LUA_TSTRING)
		return luaL_error(L,
				  "it is written pkgs.name, pkgs[\"name\"] or pkgs[[ name name ]]");
	viv_lua_push_object(lua, package(lua, viv_lua_check_text(L, 2)));
	return 1;
}

/* pkgs[[ a b c ]]: a list of packages. */
static int pkgs_call(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_slice rest, word;
	lua_Integer n = 0;

	if (lua_gettop(L) != 2 || lua_type(L, 2) != LUA_TSTRING)
		return luaL_error(L,
				  "it is written pkgs.name, pkgs[\"name\"] or pkgs[[ name name ]]");
	rest = viv_slice(viv_lua_check_text(L, 2));
	lua_newtable(L);
	while (viv_slice_word(&rest, &word)) {
		const char *name = viv_arena_strndup(lua->arena, word.data, word.len);

		viv_lua_push_object(lua, package(lua, name));
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

static int pkgs_newindex(lua_State *L)
{
	return luaL_error(L, "pkgs can't be assigned to");
}

static void open_pkgs(lua_State *L)
{
	static const luaL_Reg events[] = {
		{"__index", pkgs_index},
		{"__newindex", pkgs_newindex},
		{"__call", pkgs_call},
		{NULL, NULL},
	};

	lua_newuserdatauv(L, 1, 0);
	luaL_newmetatable(L, PKGS_CLASS);
	viv_lua_add_misuse(L);
	luaL_setfuncs(L, events, 0);
	lua_setmetatable(L, -2);
}

void viv_lua_open_constructors(struct viv_lua *lua)
{
	static const luaL_Reg functions[] = {
		{"mkOverride", make_override},
		{"mkOrder", make_order},
		{"mkIf", make_if},
		{"mkMerge", make_merge},
		{"ref", make_ref},
		{"path", make_path},
		{"fetchGit", fetch_git},
		{"fetchTarball", fetch_tarball},
		{"mkPackage", viv_lua_make_package},
		{NULL, NULL},
	};
	lua_State *L = lua->L;

	luaL_newmetatable(L, OBJECT_CLASS);
	viv_lua_add_misuse(L);
	lua_getfield(L, -1, "__index");
	lua_pushcclosure(L, viv_lua_package_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->libraries);
	luaL_setfuncs(L, functions, 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(simple); i++) {
		lua_pushinteger(L, (lua_Integer)i);
		lua_pushcclosure(L, make_simple, 1);
		lua_setfield(L, -2, simple[i].name);
	}
	open_required(L);
	open_pkgs(L);
	lua_setfield(L, -2, "pkgs");
	viv_lua_push_object(lua, viv_value_new(lua->arena, VIV_VALUE_NULL, NULL));
	lua_setfield(L, -2, "null");
	lua_pop(L, 1);
}
