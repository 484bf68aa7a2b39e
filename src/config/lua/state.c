/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

/* The Lua state and its limits; calls that turn errors into faults. */

/* Chunks are named "=#<number>": Lua cuts long names, and a user's path could be anything. */
const struct viv_file *viv_lua_file_of_chunk(struct viv_lua *lua, const char *source)
{
	uint64_t n;

	if (source[0] != '=' || source[1] != '#' ||
	    !viv_slice_u64(viv_slice(source + 2), SIZE_MAX, &n) || n >= lua->n_files)
		return NULL;
	return &lua->files[n]->file;
}

struct viv_lua *viv_lua_of(lua_State *L)
{
	return *(struct viv_lua **)lua_getextraspace(L);
}

static bool place_here(struct viv_lua *lua, const struct viv_file **ret_file, int *ret_line)
{
	lua_Debug ar;

	for (int level = 0; level < 50 && lua_getstack(lua->L, level, &ar); level++) {
		lua_getinfo(lua->L, "Sl", &ar);
		*ret_file = viv_lua_file_of_chunk(lua, ar.source);
		*ret_line = ar.currentline;
		if (*ret_file && ar.currentline > 0)
			return true;
	}
	return false;
}

struct viv_origin *viv_lua_here(struct viv_lua *lua)
{
	struct viv_origin *o = viv_arena_new(lua->arena, struct viv_origin);
	const struct viv_file *file;
	int line;

	if (place_here(lua, &file, &line)) {
		o->file = file;
		o->line = line;
	} else if (lua->n_files) {
		o->file = &lua->files[0]->file;
	}
	return o;
}

struct viv_lua_file *viv_lua_file_here(struct viv_lua *lua)
{
	const struct viv_file *file;
	int line;

	return place_here(lua, &file, &line) ? (struct viv_lua_file *)file : NULL;
}

void viv_lua_note_here(struct viv_lua *lua)
{
	const struct viv_file *file;
	int line;

	if (!lua->note || !lua->L || !place_here(lua, &file, &line))
		return;
	lua->note->line = 0;
	snprintf(lua->note->file, sizeof(lua->note->file), "%s", file->shown);
	lua->note->line = line;
}

static void *allocate(void *ud, void *p, size_t old, size_t want)
{
	struct viv_lua *lua = ud;
	void *q;

	if (!p)
		old = 0;
	if (want == 0) {
		free(p);
		lua->memory -= old;
		return NULL;
	}
	if (want > old &&
	    (want > lua->max_memory || lua->memory + (want - old) > lua->max_memory)) {
		if (lua->L)
			place_here(lua, &lua->failed_at.file, &lua->failed_at.line);
		return NULL;
	}
	q = realloc(p, want);
	if (!q)
		return NULL;
	lua->memory += want - old;
	return q;
}

static void count_hook(lua_State *L, lua_Debug *ar)
{
	struct viv_lua *lua = viv_lua_of(L);

	lua->instructions += VIV_LUA_HOOK_EVERY;
	viv_lua_note_here(lua);
	if (lua->script) {
		viv_lua_script_tick(lua);
		return;
	}
	if (lua->instructions < VIV_LUA_MAX_INSTRUCTIONS && lua->arena->used < VIV_LUA_MAX_DATA)
		return;
	if (!lua->exhausted && lua->arena->used < VIV_LUA_MAX_DATA)
		viv_fault_add(lua->faults, viv_lua_here(lua), NULL, VIV_LUA_TIME_IS_UP);
	else if (!lua->exhausted)
		viv_fault_add(lua->faults, viv_lua_here(lua), NULL,
			      "the values take more than %d MiB of memory", VIV_LUA_MAX_DATA >> 20);
	lua->exhausted = true;
	viv_lua_hurry(lua, true);
	viv_lua_silent(L);
}

void viv_lua_hurry(struct viv_lua *lua, bool over)
{
	lua_sethook(lua->L, count_hook, LUA_MASKCOUNT, over ? 1 : VIV_LUA_HOOK_EVERY);
}

static const char silent_key;

void viv_lua_silent(lua_State *L)
{
	viv_lua_raise_faults(viv_lua_of(L));
	lua_pushlightuserdata(L, (void *)&silent_key);
	lua_error(L);
	abort();
}

static int on_error(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);

	lua->failed_at = (struct viv_origin){0};
	place_here(lua, &lua->failed_at.file, &lua->failed_at.line);
	return 1;
}

const char *viv_lua_split_place(struct viv_lua *lua, const char *text, struct viv_origin *ret)
{
	char name[24];
	uint64_t line;
	size_t n = strcspn(text, ":"), digits;

	if (text[0] != '#' || n + 2 > sizeof(name) || text[n] != ':')
		return text;
	snprintf(name, sizeof(name), "=%.*s", (int)n, text);
	digits = strspn(text + n + 1, "0123456789");
	if (!viv_slice_u64((struct viv_slice){text + n + 1, digits}, INT32_MAX, &line) ||
	    text[n + 1 + digits] != ':')
		return text;
	ret->file = viv_lua_file_of_chunk(lua, name);
	ret->line = (int)line;
	text += n + 2 + digits;
	return text + (*text == ' ');
}

const char *viv_lua_plain_error(const struct viv_lua *lua, const char *text)
{
	if (strstr(text, "C stack overflow") && lua->evaluating)
		return "too many values need each other, one after the other";
	if (strstr(text, "C stack overflow"))
		return "functions call each other without an end";
	if (strstr(text, "stack overflow"))
		return "a function calls itself without an end";
	return text;
}

static void report_error(struct viv_lua *lua, int status, const struct viv_name *name)
{
	lua_State *L = lua->L;
	struct viv_origin at = lua->failed_at;
	struct viv_name none = {0};
	const char *about = name ? viv_name_text(lua->arena, name) : "", *text;

	if (lua_touserdata(L, -1) == &silent_key || lua->exhausted)
		return;
	if (status == LUA_ERRMEM) {
		viv_fault_add(lua->faults, &at, &none, "more than %d MiB of memory are needed",
			      (int)(lua->max_memory >> 20));
		lua->exhausted = true;
		return;
	}
	text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
	if (!text)
		text = "error was called with something that is no text";
	text = viv_lua_plain_error(lua, viv_lua_split_place(lua, text, &at));
	viv_fault_add(lua->faults, &at, &none, "%s%s%.1000s", about, *about ? ": " : "", text);
}

bool viv_lua_call(struct viv_lua *lua, int args, const struct viv_name *name)
{
	lua_State *L = lua->L;
	int handler = lua_gettop(L) - args, status;

	lua_pushcfunction(L, on_error);
	lua_insert(L, handler);
	status = lua_pcall(L, args, 1, handler);
	lua_remove(L, handler);
	if (status == LUA_OK)
		return true;
	report_error(lua, status, name);
	lua_pop(L, 1);
	return false;
}

static int open_all(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);

	viv_lua_open_sandbox(lua);
	viv_lua_open_names(lua);
	viv_lua_open_constructors(lua);
	viv_lua_open_types(lua);
	viv_lua_open_config(lua);
	viv_lua_open_files(lua);
	viv_lua_open_tests(lua);
	return 0;
}

struct viv_lua *viv_lua_new(struct viv_arena *arena, struct viv_faults *faults,
			    struct viv_report *report, struct viv_lua_note *note)
{
	struct viv_lua *lua = viv_arena_new(arena, struct viv_lua);

	lua->arena = arena;
	lua->faults = faults;
	lua->report = report;
	lua->note = note;
	lua->frontend.call = viv_lua_call_function;
	lua->frontend.locate = viv_lua_locate;
	lua->max_memory = VIV_LUA_MAX_MEMORY;
	lua->next_rank = 1;
	lua->next_seq = 1;
	lua->L = lua_newstate(allocate, lua);
	if (!lua->L)
		viv_oom();
	*(struct viv_lua **)lua_getextraspace(lua->L) = lua;
	lua_pushcfunction(lua->L, open_all);
	if (lua_pcall(lua->L, 0, 0, 0) != LUA_OK)
		viv_oom();
	viv_lua_hurry(lua, false);
	return lua;
}

struct viv_frontend *viv_lua_frontend(struct viv_lua *lua)
{
	return &lua->frontend;
}

void viv_lua_set_eval(struct viv_lua *lua, struct viv_eval *ev)
{
	lua->ev = ev;
}

void viv_lua_free(struct viv_lua *lua)
{
	if (!lua)
		return;
	if (lua->L)
		lua_close(lua->L);
	viv_arena_free(&lua->scratch);
}
