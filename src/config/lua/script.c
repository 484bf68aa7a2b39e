/* SPDX-License-Identifier: MIT */
#include "config/lua/script-private.h"

#include "base/hold.h"
#include "base/loop.h"

/*
 * Test functions that run: calls with a deadline, and the traces of their errors.
 *
 * What ends a script (the deadline, an interruption, no memory left) is an error like any for Lua,
 * with `stopped` saying that no pcall may keep it. A nested call's trace is kept as long as its error
 * travels on, so that it shows where things went wrong and not where they were passed on.
 */

enum { MAX_TRACE = 60, MAX_LEVELS = 2000 };

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

void viv_lua_script_go_on(struct viv_lua_script *s)
{
	atomic_store(&s->interrupted, 0);
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

static void add_frame(struct viv_strv *trace, const char *line, size_t *again)
{
	VIV_FREE char *more = *again ? viv_asprintf("(%zu more like this)", *again) : NULL;

	*again = 0;
	if (more)
		viv_strv_push(trace, more);
	if (line)
		viv_strv_push(trace, line);
}

/*
 * A line for each function of the files, innermost first; of many the outer ones are left out, and of one that calls itself
 * all but the first.
 */
static void take_trace(struct viv_lua_script *s)
{
	lua_State *L = s->lua->L;
	VIV_FREE char *last = NULL;
	size_t frames = 0, again = 0;
	int level = 0;
	lua_Debug ar;

	viv_strv_free(&s->trace);
	if (!lua_checkstack(L, 10))
		return;
	/* Each level is counted from the first: not all of a recursion's. */
	for (; frames < MAX_TRACE && level < MAX_LEVELS && lua_getstack(L, level, &ar); level++) {
		const struct viv_file *file;
		VIV_STR line = VIV_STR_INIT;

		lua_getinfo(L, "Sln", &ar);
		file = viv_lua_file_of_chunk(s->lua, ar.source);
		if (!file)
			continue;
		viv_str_addf(&line, "%s:%d: in ", file->shown, ar.currentline);
		describe_function(s, &ar, &line);
		if (last && viv_streq(line.data, last)) {
			again++;
			continue;
		}
		add_frame(&s->trace, line.data, &again);
		free(last);
		last = viv_str_steal(&line);
		frames++;
	}
	add_frame(&s->trace, lua_getstack(L, level, &ar) ? "…" : NULL, &again);
}

/* What could not be had for want of memory has no trace, but a place. */
static void trace_memory(struct viv_lua_script *s)
{
	const struct viv_origin *at = &s->lua->failed_at;
	VIV_FREE char *line = at->file ? viv_asprintf("%s:%d: out of memory", at->file->shown, at->line) : NULL;

	if (line && !s->trace.count)
		viv_strv_push(&s->trace, line);
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

/* Scripts can be called meanwhile, which leave traces of their own. */
static void tell_failure(struct viv_lua_script *s)
{
	struct viv_strv trace = s->trace;
	unsigned traced = s->traced;
	lua_State *L = s->lua->L;

	if (!s->failed || !lua_checkstack(L, 200)) /* a function without an end has taken it all */
		return;
	s->trace = (struct viv_strv)VIV_STRV_INIT;
	s->failed(L, s->arg);
	viv_strv_free(&s->trace);
	s->trace = trace;
	s->traced = traced;
	lua_settop(L, 1);
}

static int on_error(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);

	if (s->stopped)
		return 1;
	viv_lua_script_translate(s->lua);
	if (!is_traced(s)) {
		take_trace(s);
		tell_failure(s);
	}
	return 1;
}

/* ---- stopping ---- */

_Noreturn void viv_lua_script_stop(struct viv_lua_script *s, int code)
{
	if (code == -EINTR)
		atomic_store(&s->interrupted, 0);
	if (!s->stopped)
		take_trace(s);
	s->stopped = s->stopped ? s->stopped : code;
	s->faults.count = 0;
	viv_lua_hurry(s->lua, true);
	viv_lua_silent(s->lua->L);
}

_Noreturn void viv_lua_script_raise(struct viv_lua_script *s, int code)
{
	if (code == -EINVAL)
		lua_error(s->lua->L);
	if (s->traced > s->depth)
		s->stopped = code; /* with the trace that there is */
	viv_lua_script_stop(s, code);
}

void viv_lua_script_tick(struct viv_lua *lua)
{
	struct viv_lua_script *s = lua->script;

	if (s->stopped)
		viv_lua_script_stop(s, s->stopped);
	/* A signal that nobody takes off while Lua runs: who waits for machines does, with his loop. */
	if (atomic_load(&s->interrupted) || viv_hold_pending())
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

	if (!r && status == LUA_ERRMEM) {
		r = -ENOMEM;
		trace_memory(s);
	}
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
	s->traced = s->depth + 1;
	lua_pushnil(L);
	if (r == -EINVAL)
		lua_copy(L, -2, -1);
	lua_rawseti(L, LUA_REGISTRYINDEX, s->traced_value);
	return r;
}

int viv_lua_script_call(struct viv_lua_script *s, int nargs, int nresults,
			struct viv_strv *ret_trace)
{
	lua_State *L = s->lua->L;
	int base = lua_gettop(L) - nargs, status, r;

	s->traced = 0;
	viv_strv_free(&s->trace);
	s->lua->failed_at = (struct viv_origin){0};
	lua_pushcfunction(L, on_error);
	lua_insert(L, base);
	s->depth++;
	status = lua_pcall(L, nargs, nresults, base);
	s->depth--;
	s->lua->arena = &s->arena; /* print may have been on another */
	lua_remove(L, base);
	r = finish(s, status, base, ret_trace);
	s->faults.count = 0;
	if (s->stopped)
		viv_lua_hurry(s->lua, false);
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
	s->mistake = spec->mistake;
	s->failed = spec->failed;
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
	viv_lua_script_open(s);
	s->lua->muted = true;
	viv_lua_load(s->lua, spec->path, spec->shown, VIV_TIER_MACHINE);
	r = check(s, err);
	if (r < 0)
		return r;
	s->lua->muted = false;
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
