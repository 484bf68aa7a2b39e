/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#define DEPTH_MAX 32

void methods_push_json(lua_State *L, const json_t *j)
{
	const char *key;
	json_t *item;
	size_t i;

	luaL_checkstack(L, 4, NULL);
	switch (j ? json_typeof(j) : JSON_NULL) {
	case JSON_STRING: lua_pushlstring(L, json_string_value(j), json_string_length(j)); break;
	case JSON_INTEGER: lua_pushinteger(L, json_integer_value(j)); break;
	case JSON_REAL: lua_pushnumber(L, json_real_value(j)); break;
	case JSON_TRUE: lua_pushboolean(L, 1); break;
	case JSON_FALSE: lua_pushboolean(L, 0); break;
	case JSON_ARRAY:
		lua_newtable(L);
		json_array_foreach(j, i, item) {
			methods_push_json(L, item);
			lua_seti(L, -2, (lua_Integer)i + 1);
		}
		break;
	case JSON_OBJECT:
		lua_newtable(L);
		json_object_foreach((json_t *)j, key, item) {
			methods_push_json(L, item);
			lua_setfield(L, -2, key);
		}
		break;
	default: lua_pushnil(L);
	}
}

static int to_json(lua_State *L, int index, unsigned depth, json_t **ret, struct viv_error *err);

/* 1, 2, 3 … are a list. */
static int list_to_json(lua_State *L, int index, unsigned depth, json_t **ret, struct viv_error *err)
{
	VIV_JSON *list = json_array();
	lua_Integer n = (lua_Integer)lua_rawlen(L, index);

	for (lua_Integer i = 1; i <= n; i++) {
		json_t *item;
		int r;

		lua_rawgeti(L, index, i);
		r = to_json(L, lua_gettop(L), depth, &item, err);
		lua_pop(L, 1);
		if (r < 0)
			return r;
		json_array_append_new(list, item);
	}
	*ret = json_incref(list);
	return 0;
}

static int table_to_json(lua_State *L, int index, unsigned depth, json_t **ret, struct viv_error *err)
{
	VIV_JSON *object = json_object();

	lua_pushnil(L);
	while (lua_next(L, index)) {
		json_t *item;
		int r = lua_type(L, -2) == LUA_TSTRING ? to_json(L, lua_gettop(L), depth, &item, err)
						       : viv_error_say(err, EINVAL, "a table's keys are to be names");

		if (r == 0 && json_object_set_new(object, lua_tostring(L, -2), item) < 0)
			r = viv_error_say(err, EINVAL, "a table's key is not UTF-8");
		if (r < 0) {
			lua_pop(L, 2);
			return r;
		}
		lua_pop(L, 1);
	}
	*ret = json_incref(object);
	return 0;
}

static int to_json(lua_State *L, int index, unsigned depth, json_t **ret, struct viv_error *err)
{
	size_t len;
	const char *text;

	if (depth > DEPTH_MAX || !lua_checkstack(L, 8))
		return viv_error_say(err, EINVAL, "tables are nested too deeply");
	switch (lua_type(L, index)) {
	case LUA_TNIL: *ret = json_null(); return 0;
	case LUA_TBOOLEAN: *ret = json_boolean(lua_toboolean(L, index)); return 0;
	case LUA_TNUMBER:
		*ret = lua_isinteger(L, index) ? json_integer(lua_tointeger(L, index))
					       : json_real(lua_tonumber(L, index));
		return *ret ? 0 : viv_error_say(err, EINVAL, "JSON has no such number");
	case LUA_TSTRING:
		text = lua_tolstring(L, index, &len);
		*ret = json_stringn(text, len);
		return *ret ? 0 : viv_error_say(err, EINVAL, "a text is not UTF-8");
	case LUA_TTABLE:
		return lua_rawlen(L, index) ? list_to_json(L, index, depth + 1, ret, err)
					    : table_to_json(L, index, depth + 1, ret, err);
	default: return viv_error_say(err, EINVAL, "a %s can't be told to QEMU", luaL_typename(L, index));
	}
}

int methods_to_json(lua_State *L, int index, json_t **ret, struct viv_error *err)
{
	return to_json(L, lua_absindex(L, index), 0, ret, err);
}
