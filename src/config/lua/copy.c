/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"

#include <math.h>

/* Values from Lua to data and back. */

/* Where in the value we are: a name is only made of it for a message. */
struct trail {
	const struct trail *outer;
	const char *key; /* NULL: an item of a list */
	size_t index;
};

struct copy {
	struct viv_lua *lua;
	struct viv_origin *origin;
	const struct viv_name *name; /* of the whole */
	unsigned depth;
	bool too_deep; /* reported: a table inside itself would otherwise be gone through for ever
			*/
};

static struct viv_value *copy_value(struct copy *c, int index, const struct trail *at);

static struct viv_name name_at(struct copy *c, const struct trail *at)
{
	struct viv_name outer;

	if (!at)
		return *c->name;
	outer = name_at(c, at->outer);
	return viv_name_with(c->lua->arena, &outer,
			     at->key ? at->key
				     : viv_arena_printf(c->lua->arena, "[%zu]", at->index));
}

static struct viv_value *VIV_PRINTF(3, 4)
	broken(struct copy *c, const struct trail *at, const char *fmt, ...)
{
	struct viv_name name = name_at(c, at);
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	viv_name_add(&name, &text);
	if (text.len)
		viv_str_add(&text, ": ");
	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	viv_fault_add(c->lua->faults, c->origin, &name, "%s", text.data);
	return viv_value_new(c->lua->arena, VIV_VALUE_BROKEN, c->origin);
}

/* Well-formed UTF-8 (RFC 3629) without NUL. */
bool viv_lua_is_text(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < n;) {
		unsigned char c = s[i];
		size_t more = c < 0x80		      ? 0
			      : c >= 0xc2 && c < 0xe0 ? 1
			      : c >= 0xe0 && c < 0xf0 ? 2
			      : c >= 0xf0 && c < 0xf5 ? 3
						      : 9;

		if (c == 0 || more > 3 || n - i <= more)
			return false;
		if ((c == 0xe0 && s[i + 1] < 0xa0) || (c == 0xed && s[i + 1] > 0x9f) ||
		    (c == 0xf0 && s[i + 1] < 0x90) || (c == 0xf4 && s[i + 1] > 0x8f))
			return false;
		for (size_t k = 1; k <= more; k++)
			if ((s[i + k] & 0xc0) != 0x80)
				return false;
		i += 1 + more;
	}
	return true;
}

const char *viv_lua_check_text(lua_State *L, int index)
{
	size_t n;
	const char *s = luaL_checklstring(L, index, &n);

	if (!viv_lua_is_text(s, n))
		luaL_error(L, "the string is not UTF-8 text");
	return s;
}

static struct viv_value *copy_string(struct copy *c, int index, const struct trail *at)
{
	size_t n;
	const char *s = lua_tolstring(c->lua->L, index, &n);

	if (!viv_lua_is_text(s, n))
		return broken(c, at, "the string is not UTF-8 text");
	return viv_value_text(c->lua->arena, VIV_VALUE_STRING,
			      viv_arena_strndup(c->lua->arena, s, n), c->origin);
}

static struct viv_value *copy_number(struct copy *c, int index, const struct trail *at)
{
	lua_State *L = c->lua->L;
	struct viv_value *v;

	if (lua_isinteger(L, index)) {
		v = viv_value_new(c->lua->arena, VIV_VALUE_INT, c->origin);
		v->i = lua_tointeger(L, index);
		return v;
	}
	v = viv_value_new(c->lua->arena, VIV_VALUE_FLOAT, c->origin);
	v->d = lua_tonumber(L, index);
	if (!isfinite(v->d))
		return broken(c, at, "the number is not finite");
	return v;
}

/* What keys a table has. */
struct shape {
	size_t items, names;
	lua_Integer highest;
	bool other; /* keys that are neither */
};

static struct shape shape_of(lua_State *L, int index)
{
	struct shape s = {0};

	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TSTRING) {
			s.names++;
		} else if (lua_isinteger(L, -1) && lua_tointeger(L, -1) > 0) {
			s.items++;
			s.highest = VIV_MAX(s.highest, lua_tointeger(L, -1));
		} else {
			s.other = true;
		}
	}
	return s;
}

static void add_height(struct viv_value *outer, const struct viv_value *inner)
{
	outer->height = VIV_MAX(outer->height, inner->height + 1);
}

static struct viv_value *copy_list(struct copy *c, int index, const struct shape *s,
				   const struct trail *at)
{
	struct viv_value *v = viv_value_new(c->lua->arena, VIV_VALUE_LIST, c->origin);
	lua_State *L = c->lua->L;

	v->list.items = viv_arena_array(c->lua->arena, struct viv_value *, s->items + 1);
	for (size_t i = 1; i <= s->items; i++) {
		struct trail here = {at, NULL, i};

		if (lua_rawgeti(L, index, (lua_Integer)i) == LUA_TNIL) {
			lua_pop(L, 1);
			return broken(c, at, "item %zu of the list is nil", i);
		}
		add_height(v, v->list.items[v->list.count++] = copy_value(c, lua_gettop(L), &here));
		lua_pop(L, 1);
	}
	return v;
}

static struct viv_value *copy_set(struct copy *c, int index, const struct shape *s,
				  const struct trail *at)
{
	struct viv_value *v = viv_value_new(c->lua->arena, VIV_VALUE_SET, c->origin);
	lua_State *L = c->lua->L;

	v->set.items = viv_arena_array(c->lua->arena, struct viv_member, s->names + 1);
	lua_pushnil(L);
	while (lua_next(L, index)) {
		size_t n;
		const char *key = lua_tolstring(L, -2, &n);

		if (!viv_lua_is_text(key, n) || n == 0) {
			lua_pop(L, 2);
			return broken(c, at, "a name in it is %s", n ? "not UTF-8 text" : "empty");
		}
		v->set.items[v->set.count++].key = viv_arena_strndup(c->lua->arena, key, n);
		lua_pop(L, 1);
	}
	viv_value_sort_set(v); /* before the values, so that their faults come in one order */
	for (size_t i = 0; i < v->set.count; i++) {
		struct viv_member *m = &v->set.items[i];
		struct trail here = {at, m->key, 0};

		lua_pushstring(L, m->key);
		lua_rawget(L, index);
		add_height(v, m->value = copy_value(c, lua_gettop(L), &here));
		lua_pop(L, 1);
	}
	return v;
}

static struct viv_value *copy_table(struct copy *c, int index, const struct trail *at)
{
	struct shape s = shape_of(c->lua->L, index);

	if (lua_getmetatable(c->lua->L, index)) {
		lua_pop(c->lua->L, 1);
		return broken(c, at, "a table with a metatable can't be a value");
	}
	if (s.other)
		return broken(c, at, "keys of a value are names or whole numbers from 1");
	if (s.items && s.names)
		return broken(c, at, "it has both items and names: a list, or name = value?");
	if (s.names)
		return copy_set(c, index, &s, at);
	if (s.items)
		return copy_list(c, index, &s, at);
	return viv_value_new(c->lua->arena, VIV_VALUE_EMPTY, c->origin);
}

/*
 * What mkIf and its kin hold was copied before the assignment was known: its places are completed.
 */
static void adopt(const struct viv_value *v, const struct viv_origin *by)
{
	struct viv_origin *own = (struct viv_origin *)v->origin;

	if (own && !own->lhs.count) {
		own->lhs = by->lhs;
		own->within = by->within;
	}
	if (v->kind == VIV_VALUE_LIST || v->kind == VIV_VALUE_MERGE)
		for (size_t i = 0; i < v->list.count; i++)
			adopt(v->list.items[i], by);
	else if (v->kind == VIV_VALUE_SET)
		for (size_t i = 0; i < v->set.count; i++)
			adopt(v->set.items[i].value, by);
	else if (viv_value_is_wrapper(v))
		adopt(v->wrap.inner, by);
}

static struct viv_value *copy_userdata(struct copy *c, int index, const struct trail *at)
{
	struct viv_lua *lua = c->lua;
	struct viv_lua_object *o = viv_lua_to_object(lua->L, index);
	struct viv_slot *s = viv_lua_to_slot(lua->L, index);
	struct viv_value *v = NULL;

	if (o) {
		if (o->wrapper)
			lua->wrappers[o->wrapper - 1].used = true;
		if (c->origin->lhs.count)
			adopt(o->value, c->origin);
		return o->value;
	}
	if (s) {
		if (viv_slot_value(lua->ev, s, &v) < 0 || !v)
			return viv_value_new(lua->arena, VIV_VALUE_BROKEN, c->origin);
		return v;
	}
	if (viv_lua_to_option(lua->L, index))
		return broken(c, at,
			      "mkOption declares an option: write options.<name> = mkOption{…}");
	if (!viv_lua_use_name(lua, index, VIV_LUA_COPIED, c->name))
		return broken(c, at, "this is no value");
	return viv_value_new(lua->arena, VIV_VALUE_BROKEN, c->origin);
}

static struct viv_value *copy_function(struct copy *c, int index)
{
	struct viv_value *v = viv_value_new(c->lua->arena, VIV_VALUE_FUNCTION, c->origin);

	lua_pushvalue(c->lua->L, index);
	v->handle = luaL_ref(c->lua->L, LUA_REGISTRYINDEX);
	return v;
}

static struct viv_value *copy_value(struct copy *c, int index, const struct trail *at)
{
	lua_State *L = c->lua->L;
	struct viv_value *v;

	if (c->too_deep)
		return viv_value_new(c->lua->arena, VIV_VALUE_BROKEN, c->origin);
	c->too_deep = c->depth >= VIV_LUA_MAX_NESTING || !lua_checkstack(L, 10);
	if (c->too_deep)
		return broken(c, NULL, "tables more than %d deep (is one inside itself?)",
			      VIV_LUA_MAX_NESTING);
	if (c->lua->arena->used > VIV_LUA_MAX_DATA)
		luaL_error(L, "the values take more than %d MiB of memory", VIV_LUA_MAX_DATA >> 20);
	switch (lua_type(L, index)) {
	case LUA_TNIL:
		return broken(c, at, "nothing (nil) is assigned (a value of null is written null)");
	case LUA_TBOOLEAN:
		v = viv_value_new(c->lua->arena, VIV_VALUE_BOOL, c->origin);
		v->b = lua_toboolean(L, index);
		return v;
	case LUA_TNUMBER:
		return copy_number(c, index, at);
	case LUA_TSTRING:
		return copy_string(c, index, at);
	case LUA_TTABLE:
		c->depth++;
		v = copy_table(c, index, at);
		c->depth--;
		return v;
	case LUA_TFUNCTION:
		if (lua_iscfunction(L, index))
			return broken(c, at,
				      "a function of the library is no value (forgot to call it?)");
		return copy_function(c, index);
	case LUA_TUSERDATA:
		return copy_userdata(c, index, at);
	default:
		return broken(c, at, "this is no value");
	}
}

struct viv_value *viv_lua_copy(struct viv_lua *lua, int index, struct viv_origin *origin,
			       const struct viv_name *name)
{
	struct copy c = {.lua = lua, .origin = origin, .name = name};
	struct viv_value *v = copy_value(&c, lua_absindex(lua->L, index), NULL);

	if (v->height > VIV_LUA_MAX_NESTING && !c.too_deep)
		v = broken(&c, NULL, "values more than %d deep in each other", VIV_LUA_MAX_NESTING);
	return c.too_deep ? viv_value_new(lua->arena, VIV_VALUE_BROKEN, origin) : v;
}

static void push_list(struct viv_lua *lua, const struct viv_value *v)
{
	lua_createtable(lua->L, (int)VIV_MIN(v->list.count, (size_t)INT32_MAX), 0);
	for (size_t i = 0; i < v->list.count; i++) {
		viv_lua_push_value(lua, v->list.items[i]);
		lua_rawseti(lua->L, -2, (lua_Integer)i + 1);
	}
}

void viv_lua_push_value(struct viv_lua *lua, const struct viv_value *v)
{
	lua_State *L = lua->L;

	luaL_checkstack(L, 10, NULL);
	switch (v->kind) {
	case VIV_VALUE_BOOL:
		lua_pushboolean(L, v->b);
		break;
	case VIV_VALUE_INT:
		lua_pushinteger(L, v->i);
		break;
	case VIV_VALUE_FLOAT:
		lua_pushnumber(L, v->d);
		break;
	case VIV_VALUE_PACKAGE:
		if (v->made) {
			viv_lua_push_object(lua, (struct viv_value *)v);
			break;
		}
		lua_pushstring(L, v->text);
		break;
	case VIV_VALUE_STRING:
	case VIV_VALUE_PATH:
		lua_pushstring(L, v->text);
		break;
	case VIV_VALUE_LIST:
		push_list(lua, v);
		break;
	case VIV_VALUE_SET:
	case VIV_VALUE_SOURCE:
	case VIV_VALUE_EMPTY:
		lua_newtable(L);
		for (size_t i = 0; v->kind != VIV_VALUE_EMPTY && i < v->set.count; i++) {
			viv_lua_push_value(lua, v->set.items[i].value);
			lua_setfield(L, -2, v->set.items[i].key);
		}
		break;
	case VIV_VALUE_FUNCTION:
		lua_rawgeti(L, LUA_REGISTRYINDEX, v->handle);
		break;
	default:
		lua_pushnil(L);
	}
}
