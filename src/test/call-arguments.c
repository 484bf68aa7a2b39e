/* SPDX-License-Identifier: MIT */
#include "test/call.h"

const char *call_text(const struct call *c, int i)
{
	return i < c->n && !lua_isnil(c->L, c->first + i) ? lua_tostring(c->L, c->first + i) : NULL;
}

int64_t call_int(const struct call *c, int i, int64_t otherwise)
{
	return i < c->n && !lua_isnil(c->L, c->first + i) ? lua_tointeger(c->L, c->first + i) : otherwise;
}

double call_number(const struct call *c, int i, double otherwise)
{
	return i < c->n && !lua_isnil(c->L, c->first + i) ? lua_tonumber(c->L, c->first + i) : otherwise;
}

/* The option's type, on the stack until the next pop. */
static int get_option(const struct call *c, const char *name)
{
	if (!c->options) {
		lua_pushnil(c->L);
		return LUA_TNIL;
	}
	return lua_getfield(c->L, c->options, name);
}

const char *call_option_text(const struct call *c, const char *name)
{
	const char *text = get_option(c, name) == LUA_TSTRING ? lua_tostring(c->L, -1) : NULL;

	lua_pop(c->L, 1); /* the table has it still */
	return text;
}

struct viv_slice call_option_bytes(const struct call *c, const char *name)
{
	struct viv_slice bytes = {0};

	if (get_option(c, name) == LUA_TSTRING)
		bytes.data = lua_tolstring(c->L, -1, &bytes.len);
	lua_pop(c->L, 1); /* the table has it still */
	return bytes;
}

bool call_option_bool(const struct call *c, const char *name, bool otherwise)
{
	bool value = get_option(c, name) == LUA_TNIL ? otherwise : lua_toboolean(c->L, -1);

	lua_pop(c->L, 1);
	return value;
}

double call_option_number(const struct call *c, const char *name, double otherwise)
{
	double value = get_option(c, name) == LUA_TNUMBER ? lua_tonumber(c->L, -1) : otherwise;

	lua_pop(c->L, 1);
	return value;
}

/* Seconds, or a text such as "5m"; below 0: it is none. */
static double seconds_at(lua_State *L, int index)
{
	static const struct { const char *unit; double seconds; } units[] = {
		{"", 1}, {"ms", 0.001}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}};
	double n = 0, seconds = -1;
	char *end = "";

	if (lua_type(L, index) == LUA_TSTRING)
		n = strtod(lua_tostring(L, index), &end);
	else
		n = lua_tonumber(L, index);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(units); i++)
		if (viv_streq(end, units[i].unit))
			seconds = n * units[i].seconds;
	return seconds >= 0 && seconds < 1e7 ? seconds : -1;
}

double call_option_seconds(const struct call *c, const char *name, double otherwise)
{
	double value = get_option(c, name) == LUA_TNIL ? otherwise : seconds_at(c->L, -1);

	lua_pop(c->L, 1);
	return value;
}
