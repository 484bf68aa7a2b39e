/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"

/* Packages with changes: pkgs.x:override{…}, mkPackage{…}. */

static const struct viv_member *find(const struct viv_value *set, const char *key)
{
	for (size_t i = 0; set->kind == VIV_VALUE_SET && i < set->set.count; i++)
		if (viv_streq(set->set.items[i].key, key))
			return &set->set.items[i];
	return NULL;
}

/* What is said of a change; the name of the part is in front. */
struct change {
	struct viv_lua *lua;
	const char *package;
	const struct viv_origin *origin;
};

static struct viv_value *wrong(const struct change *c, const char *key, const char *expected,
			       const struct viv_value *got)
{
	VIV_STR text = VIV_STR_INIT;
	struct viv_name name = {0};

	name = viv_name_with(c->lua->arena, &name, key);
	viv_value_describe(got, &text);
	if (got->kind != VIV_VALUE_BROKEN)
		viv_fault_add(c->lua->faults, c->origin, &name, "%s: %s: expected %s, got %s",
			      c->package, key, expected, text.data);
	return NULL;
}

static bool is_empty(const struct viv_value *v)
{
	return v->kind == VIV_VALUE_EMPTY || (v->kind == VIV_VALUE_LIST && !v->list.count);
}

static const char *absolute(const struct change *c, const struct viv_value *v)
{
	const struct viv_origin *o = v->origin && v->origin->file ? v->origin : c->origin;

	if (v->kind == VIV_VALUE_PATH)
		return v->text;
	return viv_lua_resolve(c->lua, (const struct viv_lua_file *)o->file, v->text, c->origin, NULL);
}

static struct viv_value *take_text(const struct change *c, const char *key, const struct viv_value *v)
{
	return v->kind == VIV_VALUE_STRING && *v->text ? (struct viv_value *)v
						       : wrong(c, key, "a string", v);
}

static struct viv_value *take_version(const struct change *c, const char *key,
				      const struct viv_value *v)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~";

	if (v->kind != VIV_VALUE_STRING || !*v->text || strspn(v->text, chars) != strlen(v->text) ||
	    strlen(v->text) > 100)
		return wrong(c, key, "a version (letters, digits, . + ~)", v);
	return (struct viv_value *)v;
}

/* A source is a set with the member "fetch": as fetchGit made it, or read from an earlier change. */
static struct viv_value *take_source(const struct change *c, const char *key, const struct viv_value *v)
{
	struct viv_value *out;
	const char *path;

	if (v->kind == VIV_VALUE_SOURCE || find(v, "fetch"))
		return (struct viv_value *)v;
	if (v->kind != VIV_VALUE_PATH && v->kind != VIV_VALUE_STRING)
		return wrong(c, key, "a folder's path, fetchGit{…} or fetchTarball{…}", v);
	path = absolute(c, v);
	if (!path)
		return NULL;
	out = viv_value_new(c->lua->arena, VIV_VALUE_SOURCE, NULL);
	out->set.items = viv_arena_array(c->lua->arena, struct viv_member, 2);
	out->set.count = 2;
	out->set.items[0] = (struct viv_member){
		"fetch", viv_value_text(c->lua->arena, VIV_VALUE_STRING, "path", NULL)};
	out->set.items[1] = (struct viv_member){
		"path", viv_value_text(c->lua->arena, VIV_VALUE_STRING, path, NULL)};
	return out;
}

/* A list of files or of packages; each item becomes a string. */
static struct viv_value *take_list(const struct change *c, const char *key, const struct viv_value *v)
{
	bool files = viv_streq(key, "patches");
	const char *expected = files ? "a list of files" : "a list of packages";
	struct viv_value *out = viv_value_new(c->lua->arena, VIV_VALUE_LIST, NULL);

	if (is_empty(v))
		return out;
	if (v->kind != VIV_VALUE_LIST)
		return wrong(c, key, expected, v);
	out->list.items = viv_arena_array(c->lua->arena, struct viv_value *, v->list.count);
	for (size_t i = 0; i < v->list.count; i++) {
		const struct viv_value *item = v->list.items[i];
		const char *text;

		if (item->kind != VIV_VALUE_STRING &&
		    item->kind != (files ? VIV_VALUE_PATH : VIV_VALUE_PACKAGE))
			return wrong(c, key, expected, item);
		if (!files && !viv_rule_package.ok(item->text))
			return wrong(c, key, expected, item);
		text = files ? absolute(c, item) : item->text;
		if (!text)
			return NULL;
		out->list.items[out->list.count++] =
			viv_value_text(c->lua->arena, VIV_VALUE_STRING, text, NULL);
	}
	return out;
}

static struct viv_value *take_env(const struct change *c, const char *key, const struct viv_value *v)
{
	if (is_empty(v))
		return viv_value_new(c->lua->arena, VIV_VALUE_SET, NULL);
	if (v->kind != VIV_VALUE_SET)
		return wrong(c, key, "a set of variables", v);
	for (size_t i = 0; i < v->set.count; i++) {
		const struct viv_member *m = &v->set.items[i];

		if (!viv_rule_variable.ok(m->key) || m->value->kind != VIV_VALUE_STRING)
			return wrong(c, key, "variables' names and strings", m->value);
	}
	return (struct viv_value *)v;
}

/* What a change may say: sorted. */
static const struct {
	const char *name;
	struct viv_value *(*take)(const struct change *c, const char *key, const struct viv_value *v);
} parts[] = {
	{"build", take_text},	    {"buildInputs", take_list}, {"configure", take_text},
	{"depends", take_list},	    {"env", take_env},		{"install", take_text},
	{"patches", take_list},	    {"src", take_source},	{"version", take_version},
};

static struct viv_value *unknown(const struct change *c, const char *key)
{
	const char *names[VIV_ARRAY_SIZE(parts)];
	VIV_STRV near = VIV_STRV_INIT;
	VIV_STR all = VIV_STR_INIT;
	struct viv_name name = {0};

	name = viv_name_with(c->lua->arena, &name, key);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(parts); i++) {
		names[i] = parts[i].name;
		viv_str_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	viv_suggest(key, names, VIV_ARRAY_SIZE(parts), 1, &near);
	if (near.count)
		viv_fault_add(c->lua->faults, c->origin, &name,
			      "%s: override has no %.60s (did you mean %s?)", c->package, key,
			      near.items[0]);
	else
		viv_fault_add(c->lua->faults, c->origin, &name, "%s: override has no %.60s, but %s",
			      c->package, key, all.data);
	return NULL;
}

struct viv_value *viv_lua_package_change(struct viv_lua *lua, const struct viv_value *v,
					 const char *package, const struct viv_origin *origin)
{
	/* Without what it is assigned to: the change's own line is what counts. */
	const struct viv_origin here = {.file = origin->file, .line = origin->line};
	const struct change c = {lua, package, &here};
	struct viv_value *out = viv_value_new(lua->arena, VIV_VALUE_SET, origin);

	if (v->kind == VIV_VALUE_EMPTY)
		return out;
	if (v->kind != VIV_VALUE_SET)
		return wrong(&c, "override", "a table of what is to change", v);
	out->set.items = viv_arena_array(lua->arena, struct viv_member, v->set.count);
	for (size_t i = 0; i < v->set.count; i++) {
		const struct viv_member *m = &v->set.items[i];
		struct viv_value *part = NULL;
		size_t k = 0;

		if (viv_streq(m->key, "name"))
			continue; /* mkPackage's; or as it was read */
		while (k < VIV_ARRAY_SIZE(parts) && !viv_streq(parts[k].name, m->key))
			k++;
		if (k == VIV_ARRAY_SIZE(parts))
			return unknown(&c, m->key);
		part = m->value->kind == VIV_VALUE_BROKEN ? NULL : parts[k].take(&c, m->key, m->value);
		if (!part)
			return NULL;
		out->set.items[out->set.count++] = (struct viv_member){m->key, part};
	}
	return out;
}

static int push_changed(struct viv_lua *lua, const char *name, struct viv_made *made)
{
	struct viv_value *v =
		viv_value_text(lua->arena, VIV_VALUE_PACKAGE, name, made->origin);

	v->made = made;
	viv_lua_push_object(lua, v);
	return 1;
}

static struct viv_value *changes(struct viv_lua *lua, int index, const char *package,
				 struct viv_origin *origin)
{
	struct viv_name none = {0}, name = viv_name_with(lua->arena, &none, package);
	struct viv_value *v = viv_lua_copy(lua, index, origin, &name);

	if (v->kind == VIV_VALUE_FUNCTION)
		return v;
	v = v->kind == VIV_VALUE_BROKEN ? NULL : viv_lua_package_change(lua, v, package, origin);
	if (!v)
		viv_lua_silent(lua->L);
	return v;
}

/* pkgs.x:override{…}, or with a function of what was before. */
static int override(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_lua_object *o = viv_lua_to_object(L, 1);
	struct viv_made *made, *from;

	if (!o || o->value->kind != VIV_VALUE_PACKAGE || lua_gettop(L) != 2)
		return luaL_error(L, "it is written pkgs.name:override{ … }, with a colon");
	if (strchr(o->value->text, '='))
		return luaL_error(L, "%s: an override has its version in version = \"…\"",
				  o->value->text);
	made = viv_arena_new(lua->arena, struct viv_made);
	made->origin = viv_lua_here(lua);
	made->change = changes(lua, 2, o->value->text, (struct viv_origin *)made->origin);
	made->name = o->value->text;
	made->below = o->value->made;
	if (!made->below) {
		from = viv_arena_new(lua->arena, struct viv_made);
		*from = (struct viv_made){.from = VIV_MADE_FROM_SET, .name = made->name,
					  .origin = made->origin};
		made->below = from;
	}
	return push_changed(lua, made->name, made);
}

int viv_lua_package_index(lua_State *L)
{
	struct viv_lua_object *o = viv_lua_to_object(L, 1);
	const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

	if (o && o->value->kind == VIV_VALUE_PACKAGE) {
		if (!viv_streq(key, "override") && !viv_streq(key, "overrideAttrs"))
			return luaL_error(L, "the package %s: it has :override{ … } and nothing else "
					     "that could be read", o->value->text);
		lua_pushcfunction(L, override);
		return 1;
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	return 1;
}

int viv_lua_make_package(lua_State *L)
{
	static const char usage[] = "mkPackage{ name = \"…\", src = …, … }";
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_made *made = viv_arena_new(lua->arena, struct viv_made);
	const char *name;

	if (!lua_istable(L, 1) || lua_gettop(L) != 1 || lua_getfield(L, 1, "name") != LUA_TSTRING)
		return luaL_error(L, "it is written %s", usage);
	name = viv_arena_strdup(lua->arena, viv_lua_check_text(L, -1));
	lua_pop(L, 1);
	if (!viv_rule_package.ok(name) || strpbrk(name, "=:"))
		return luaL_error(L, "mkPackage: \"%s\" is no package's name", name);
	made->origin = viv_lua_here(lua);
	made->from = VIV_MADE_NEW;
	made->name = name;
	made->change = changes(lua, 1, name, (struct viv_origin *)made->origin);
	if (made->change->kind != VIV_VALUE_SET || !find(made->change, "src"))
		return luaL_error(L, "mkPackage: %s has no src: it is written %s", name, usage);
	return push_changed(lua, name, made);
}
