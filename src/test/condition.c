/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

/* Conditions that must hold while a function runs: looked at, when their time has come, by whatever waits. */

struct runner_condition {
	struct runner_condition *outer;
	int function; /* registry */
	const char *what;
	int64_t interval, due;
	bool broken;
};

int64_t runner_conditions_due(const struct runner *r)
{
	int64_t due = 0;

	for (const struct runner_condition *c = r->conditions; c && !r->checking; c = c->outer)
		if (!c->broken && (!due || c->due < due))
			due = c->due;
	return due;
}

static int fail(struct runner *r, struct runner_condition *c, const char *why)
{
	c->broken = true;
	free(r->broken);
	r->broken = viv_asprintf("%s does not hold any more%s%s", c->what, why ? ": " : "", why ? why : "");
	return -ECANCELED;
}

/*
 * Like NixOS's: nothing returned is as good as true. The wait that looks may have a limit: what was not known by then says nothing, and
 * is looked at again.
 */
static int check(struct runner *r, struct runner_condition *c, int64_t limit)
{
	VIV_CLEANUP(runner_failure_free_contents) struct runner_failure f = {0};
	lua_State *L = viv_lua_script_state(r->script);
	int top = lua_gettop(L), code;
	int64_t outer = r->check_limit;
	bool holds;

	lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
	r->checking = true;
	r->check_limit = limit;
	r->expecting++;
	code = viv_lua_script_call(r->script, 0, 1, NULL);
	r->expecting--;
	r->checking = false;
	r->check_limit = outer;
	c->due = viv_now_ms() + c->interval;
	holds = code == 0 && (lua_isnil(L, -1) || lua_toboolean(L, -1));
	if (code == -EINVAL)
		call_take_value(L, &f);
	lua_settop(L, top);
	if (!holds && limit && viv_now_ms() >= limit && (code == 0 || code == -EINVAL))
		return -ETIMEDOUT;
	return holds ? 0 : code == 0 || code == -EINVAL ? fail(r, c, f.reason) : code;
}

int runner_check_conditions(struct runner *r, int64_t limit)
{
	int code = 0;

	for (struct runner_condition *c = r->conditions; code == 0 && c && !r->checking; c = c->outer)
		if (!c->broken && viv_now_ms() >= c->due)
			code = check(r, c, limit);
	return code;
}

static int fail_call(struct call *c, const struct runner_condition *condition, int code)
{
	return code == -ECANCELED ? call_fail(c, VIV_VERDICT_FAIL, "%s", c->r->broken)
				  : call_waited(c, code, "an answer from %s", condition->what);
}

static int do_during(struct call *c)
{
	struct runner *r = c->r;
	struct runner_condition condition = {.outer = r->conditions};
	lua_State *L = c->L;
	int code;

	lua_getfield(L, c->first, "interval");
	condition.interval = (int64_t)(VIV_MAX(lua_tonumber(L, -1), 0.01) * 1000);
	lua_getfield(L, c->first, "description");
	condition.what = lua_isstring(L, -1) ? lua_tostring(L, -1) : "a condition"; /* the table has it still */
	lua_rawgeti(L, c->first, 1);
	if (!lua_isfunction(L, -1))
		return call_fail(c, VIV_VERDICT_ERROR, "during is called with a colon, on what polling_condition returned");
	condition.function = luaL_ref(L, LUA_REGISTRYINDEX);
	code = check(r, &condition, r->check_limit);
	if (code == 0) {
		r->conditions = &condition;
		lua_pushvalue(L, c->first + 1);
		code = call_lua(c, 0, 0);
		r->conditions = condition.outer;
		if (code == 0)
			code = condition.broken ? -ECANCELED : check(r, &condition, r->check_limit);
	}
	luaL_unref(L, LUA_REGISTRYINDEX, condition.function);
	return code == 0 || c->raised < 0 ? code : fail_call(c, &condition, code);
}

static const struct method during = {"during", "tf", "(function)", NULL, "", do_during};

static int do_polling_condition(struct call *c)
{
	double interval = call_option_seconds(c, "interval", 1);
	lua_State *L = c->L;

	lua_newtable(L);
	lua_pushvalue(L, c->first);
	lua_rawseti(L, -2, 1);
	lua_pushnumber(L, interval);
	lua_setfield(L, -2, "interval");
	lua_pushstring(L, call_option_text(c, "description"));
	lua_setfield(L, -2, "description");
	call_push(L, &during);
	lua_setfield(L, -2, "during");
	lua_newtable(L);
	call_push(L, &during);
	lua_setfield(L, -2, "__call");
	lua_setmetatable(L, -2);
	return 1;
}

const struct method functions_condition[] = {
	{"polling_condition", "f", "(function, {interval, description}):during(function)", "interval:d description:w",
	 "while the second function runs, the first must return true (or nothing): looked at whenever something waits",
	 do_polling_condition},
	{0},
};
