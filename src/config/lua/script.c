/* SPDX-License-Identifier: MIT */
#include "config/lua/script.h"
#include "config/lua/test.h"

#include "base/loop.h"

#include <stdatomic.h>

/*
 * Test functions that run: calls with a deadline, the traces of their errors, and the globals that
 * they see beside those of the file.
 *
 * What ends a script (the deadline, an interruption, no memory left) is an error like any for Lua,
 * with `stopped` saying that no pcall may keep it. A nested call's trace is kept as long as its error
 * travels on, so that it shows where things went wrong and not where they were passed on.
 */

enum { MAX_TRACE = 60 };

struct viv_lua_script {
	struct viv_arena arena;
	struct viv_faults faults;
	struct viv_eval ev;
	struct viv_lua *lua;
	struct viv_config_test test;
	int (*lookup)(lua_State *L, void *arg);
	void *arg;
	int library; /* registry: functions that only running tests see */
	int64_t deadline;
	atomic_int interrupted;
	int stopped; /* negative: why; until the outermost call returns */
	unsigned depth;
	struct viv_strv trace;
	unsigned traced; /* the depth of the call whose error `trace` is of; 0: none */
	int traced_value; /* registry: that error */
};

struct viv_lua_script *viv_lua_script_of(lua_State *L)
{
	return viv_lua_of(L)->script;
}

lua_State *viv_lua_script_state(struct viv_lua_script *s)
{
	return s->lua->L;
}

void viv_lua_script_set_deadline(struct viv_lua_script *s, int64_t at_ms)
{
	s->deadline = at_ms;
}

int64_t viv_lua_script_deadline(const struct viv_lua_script *s)
{
	return s->deadline;
}

void viv_lua_script_interrupt(struct viv_lua_script *s)
{
	atomic_store(&s->interrupted, 1);
}

bool viv_lua_script_interrupted(const struct viv_lua_script *s)
{
	return atomic_load(&s->interrupted);
}

/* ---- where things went wrong ---- */

/* "function 'check'", or whose function it is. */
static void describe_function(struct viv_lua_script *s, lua_Debug *ar, struct viv_str *to)
{
	const struct viv_lua_test_file *t = s->lua->test;
	lua_State *L = s->lua->L;

	if (viv_streq(ar->what, "main")) {
		viv_str_add(to, "the file itself");
		return;
	}
	lua_getinfo(L, "f", ar);
	for (size_t i = 0; i < t->n_tests; i++) {
		bool same;

		lua_rawgeti(L, LUA_REGISTRYINDEX, t->tests[i].function);
		same = lua_rawequal(L, -1, -2);
		lua_pop(L, 1);
		if (!same)
			continue;
		viv_str_addf(to, "test '%s'", t->tests[i].name);
		lua_pop(L, 1);
		return;
	}
	lua_pop(L, 1);
	if (ar->name && *ar->namewhat)
		viv_str_addf(to, "function '%s'", ar->name);
	else
		viv_str_add(to, "a function");
}

/* A line for each function of the files, innermost first; of many the outer ones are left out. */
static void take_trace(struct viv_lua_script *s)
{
	lua_State *L = s->lua->L;
	size_t frames = 0;
	lua_Debug ar;

	viv_strv_free(&s->trace);
	if (!lua_checkstack(L, 10))
		return;
	for (int level = 0; frames <= MAX_TRACE && lua_getstack(L, level, &ar); level++) {
		const struct viv_file *file;
		VIV_STR line = VIV_STR_INIT;

		lua_getinfo(L, "Sln", &ar);
		file = viv_lua_file_of_chunk(s->lua, ar.source);
		if (!file)
			continue;
		frames++;
		viv_str_addf(&line, "%s:%d: in ", file->shown, ar.currentline);
		describe_function(s, &ar, &line);
		viv_strv_push(&s->trace, frames > MAX_TRACE ? "…" : line.data);
	}
}

char *viv_lua_script_place(struct viv_lua_script *s)
{
	lua_Debug ar;

	for (int level = 0; lua_getstack(s->lua->L, level, &ar); level++) {
		const struct viv_file *file;

		lua_getinfo(s->lua->L, "Sl", &ar);
		file = viv_lua_file_of_chunk(s->lua, ar.source);
		if (file)
			return viv_asprintf("%s:%d", file->shown, ar.currentline);
	}
	return viv_strdup("");
}

/* The message on top as people read it: the file's name before it, not the chunk's. */
static void translate(struct viv_lua *lua)
{
	struct viv_origin at = {0};
	const char *rest;

	if (lua_type(lua->L, -1) != LUA_TSTRING)
		return;
	rest = viv_lua_split_place(lua, lua_tostring(lua->L, -1), &at);
	rest = viv_lua_plain_error(lua, rest);
	if (at.file)
		lua_pushfstring(lua->L, "%s:%d: %s", at.file->shown, at.line, rest);
	else
		lua_pushstring(lua->L, rest);
	lua_remove(lua->L, -2);
}

static bool is_traced(struct viv_lua_script *s)
{
	lua_State *L = s->lua->L;
	bool same;

	if (s->traced <= s->depth)
		return false;
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->traced_value);
	same = lua_rawequal(L, -1, -2);
	lua_pop(L, 1);
	return same;
}

static int on_error(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);

	if (s->stopped)
		return 1;
	translate(s->lua);
	if (!is_traced(s))
		take_trace(s);
	return 1;
}

/* ---- stopping ---- */

_Noreturn void viv_lua_script_stop(struct viv_lua_script *s, int code)
{
	if (code == -EINTR)
		atomic_store(&s->interrupted, 0);
	if (!s->stopped) {
		s->stopped = code;
		take_trace(s);
	}
	viv_lua_silent(s->lua->L);
}

_Noreturn void viv_lua_script_raise(struct viv_lua_script *s, int code)
{
	if (code != -EINVAL)
		viv_lua_script_stop(s, code);
	lua_error(s->lua->L);
	abort();
}

void viv_lua_script_tick(struct viv_lua *lua)
{
	struct viv_lua_script *s = lua->script;

	if (s->stopped)
		viv_lua_script_stop(s, s->stopped);
	if (atomic_load(&s->interrupted))
		viv_lua_script_stop(s, -EINTR);
	if (s->deadline && viv_now_ms() >= s->deadline)
		viv_lua_script_stop(s, -ETIMEDOUT);
	if (lua->arena->used >= VIV_LUA_MAX_DATA)
		viv_lua_script_stop(s, -ENOMEM);
}

/* ---- calls ---- */

static int finish(struct viv_lua_script *s, int status, int base, struct viv_strv *ret_trace)
{
	lua_State *L = s->lua->L;
	int r = s->stopped;

	if (!r && status == LUA_ERRMEM)
		r = -ENOMEM;
	if (!r && status == LUA_OK)
		return 0;
	if (r)
		lua_settop(L, base - 1);
	else
		r = -EINVAL;
	if (ret_trace) {
		viv_strv_free(ret_trace);
		viv_strv_push_all(ret_trace, (const char *const *)s->trace.items);
	}
	if (r == -EINVAL) {
		lua_pushvalue(L, -1);
		lua_rawseti(L, LUA_REGISTRYINDEX, s->traced_value);
		s->traced = s->depth + 1;
	}
	return r;
}

int viv_lua_script_call(struct viv_lua_script *s, int nargs, int nresults,
			struct viv_strv *ret_trace)
{
	lua_State *L = s->lua->L;
	int base = lua_gettop(L) - nargs, status, r;

	if (!s->depth)
		s->stopped = 0;
	s->traced = 0;
	viv_strv_free(&s->trace);
	lua_pushcfunction(L, on_error);
	lua_insert(L, base);
	s->depth++;
	status = lua_pcall(L, nargs, nresults, base);
	s->depth--;
	lua_remove(L, base);
	r = finish(s, status, base, ret_trace);
	s->faults.count = 0;
	if (!s->depth)
		s->stopped = 0;
	return r;
}

bool viv_lua_script_push(struct viv_lua_script *s, const char *test)
{
	const struct viv_lua_test_file *t = s->lua->test;

	for (size_t i = 0; i < t->n_tests; i++) {
		if (!viv_streq(t->tests[i].name, test))
			continue;
		lua_rawgeti(s->lua->L, LUA_REGISTRYINDEX, t->tests[i].function);
		return true;
	}
	return false;
}

/* ---- functions that only running tests see ---- */

/* After a lua_pcall of the script's own: some errors are not its. */
static void pass_on(struct viv_lua_script *s, int status)
{
	if (s->stopped)
		viv_lua_script_stop(s, s->stopped);
	if (status == LUA_ERRMEM)
		viv_lua_script_stop(s, -ENOMEM);
}

static int to_text(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);

	if (!s->stopped)
		translate(s->lua);
	return 1;
}

static int script_pcall(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);
	int status;

	luaL_checkany(L, 1);
	lua_pushcfunction(L, to_text);
	lua_insert(L, 1);
	status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
	pass_on(s, status);
	lua_pushboolean(L, status == LUA_OK);
	lua_replace(L, 1);
	return lua_gettop(L);
}

/* The script's own handler; upvalue 1. */
static int call_handler(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);

	if (s->stopped)
		return 1;
	translate(s->lua);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

static int script_xpcall(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);
	int status;

	luaL_checkany(L, 1);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, call_handler, 1);
	lua_insert(L, 1);
	lua_remove(L, 3);
	status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
	pass_on(s, status);
	lua_pushboolean(L, status == LUA_OK);
	lua_replace(L, 1);
	return lua_gettop(L);
}

/* The sandbox's math gets random, whose numbers are the same in every run. */
static void add_random(struct viv_lua *lua)
{
	lua_State *L = lua->L;

	lua_pushcfunction(L, luaopen_math);
	lua_call(L, 0, 1);
	lua_getfield(L, -1, "randomseed");
	lua_pushinteger(L, 1);
	lua_call(L, 1, 0);
	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->libraries);
	lua_getfield(L, -1, "math");
	luaL_getmetafield(L, -1, "__index");
	lua_getfield(L, -4, "random");
	lua_setfield(L, -2, "random");
	lua_pop(L, 4);
}

static void open_library(struct viv_lua_script *s)
{
	static const luaL_Reg functions[] = {
		{"pcall", script_pcall}, {"xpcall", script_xpcall}, {NULL, NULL}};
	lua_State *L = s->lua->L;

	luaL_newlib(L, functions);
	s->library = luaL_ref(L, LUA_REGISTRYINDEX);
	add_random(s->lua);
	lua_pushboolean(L, 0);
	s->traced_value = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* ---- globals ---- */

static void push_near(struct viv_lua *lua, const char *key)
{
	VIV_STRV names = VIV_STRV_INIT, near = VIV_STRV_INIT;
	const struct viv_lua_test_file *t = lua->test;
	char nearest[VIV_LUA_MAX_LABEL] = "";
	lua_State *L = lua->L;

	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->libraries);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		lua_pop(L, 1);
		viv_strv_push(&names, lua_tostring(L, -1));
	}
	lua_pop(L, 1);
	for (size_t i = 0; i < t->n_machines; i++)
		viv_strv_push(&names, t->machines[i].global);
	for (size_t i = 0; i < t->n_variables; i++)
		viv_strv_push(&names, t->variables[i]);
	if (!t->n_machines)
		viv_strv_push(&names, "machine");
	for (const char *const *r = t->spec->reserved; r && *r; r++)
		viv_strv_push(&names, *r);
	viv_strv_sort(&names);
	viv_suggest(key, (const char *const *)names.items, names.count, 1, &near);
	if (near.count)
		snprintf(nearest, sizeof(nearest), "%s", near.items[0]);
	viv_strv_free(&names);
	viv_strv_free(&near);
	lua_pushstring(L, nearest);
}

static int unknown(struct viv_lua *lua, const char *key)
{
	const char *hint = viv_lua_foreign_hint(key);
	struct viv_name none = {0}, name = viv_name_with(lua->arena, &none, key);
	lua_State *L = lua->L;
	size_t used;

	if (hint)
		return luaL_error(L, "no %s here: %s", key, hint);
	if (viv_lua_is_test_function(lua, key))
		return luaL_error(L, "%s(…) stands at the top level of the file, not in a test", key);
	if (viv_slot_find(lua->ev, &name, &used) || viv_streq(key, "imports") ||
	    viv_streq(key, "options"))
		return luaL_error(L, "%s is an option: settings stand outside of test(…)", key);
	push_near(lua, key);
	if (*lua_tostring(L, -1))
		return luaL_error(L, "%s is not defined (did you mean %s?)", key,
				  lua_tostring(L, -1));
	return luaL_error(L, "%s is not defined", key);
}

int viv_lua_script_global(struct viv_lua *lua)
{
	struct viv_lua_script *s = lua->script;
	lua_State *L = lua->L;

	luaL_checktype(L, 2, LUA_TSTRING);
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->library);
	lua_pushvalue(L, 2);
	if (lua_rawget(L, -2) != LUA_TNIL)
		return 1;
	lua_settop(L, 2);
	if (s->lookup && s->lookup(L, s->arg) > 0)
		return 1;
	return unknown(lua, lua_tostring(L, 2));
}

/* ---- loading ---- */

static const char *const *copy_list(struct viv_arena *arena, const char *const *list)
{
	const char **copy;
	size_t n = 0;

	while (list && list[n])
		n++;
	copy = viv_arena_array(arena, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		copy[i] = viv_arena_strdup(arena, list[i]);
	return copy;
}

static int check(struct viv_lua_script *s, struct viv_error *err)
{
	VIV_STR messages = VIV_STR_INIT;

	json_decref(viv_lua_test_declared(s->lua));
	viv_lua_finish(s->lua);
	if (!s->faults.count)
		return 0;
	viv_faults_format(&s->faults, viv_lua_frontend(s->lua), 100, &messages);
	return viv_error_say(err, EINVAL, "%s", messages.data);
}

int viv_lua_script_load(const struct viv_lua_script_spec *spec, struct viv_lua_script **ret,
			struct viv_error *err)
{
	VIV_CLEANUP(viv_lua_script_freep) struct viv_lua_script *s = viv_new(struct viv_lua_script);
	int r;

	s->lookup = spec->lookup;
	s->arg = spec->arg;
	s->test = *spec->test;
	s->test.machine = NULL;
	s->test.reserved = copy_list(&s->arena, spec->test->reserved);
	s->faults.arena = &s->arena;
	s->lua = viv_lua_new(&s->arena, &s->faults, spec->report, spec->note);
	s->lua->max_memory = (size_t)VIV_LUA_SCRIPT_MEMORY_MIB << 20;
	viv_eval_init(&s->ev, &s->arena, &s->faults, viv_lua_frontend(s->lua));
	viv_lua_set_eval(s->lua, &s->ev);
	viv_lua_set_test(s->lua, &s->test);
	open_library(s);
	viv_lua_load(s->lua, spec->path, spec->shown, VIV_TIER_MACHINE);
	r = check(s, err);
	if (r < 0)
		return r;
	s->lua->script = s;
	*ret = viv_steal(s);
	return 0;
}

void viv_lua_script_free(struct viv_lua_script *s)
{
	if (!s)
		return;
	viv_lua_free(s->lua);
	viv_strv_free(&s->trace);
	viv_arena_free(&s->arena);
	free(s);
}
