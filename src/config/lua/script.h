/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A test file whose functions run. The file's top level is run as in its evaluation, its definitions
 * are taken in and dropped; then its functions can be called, in a process of their own: they wait
 * for machines and may take hours, so that their limits are a deadline, memory and an interruption.
 *
 * What a function sees as globals: what the file itself assigned to names that are no options; the
 * sandbox's functions, with pcall, xpcall and math.random (its numbers are the same in every run);
 * then what `lookup` has; anything else is an error with near names. There is no io, no os, no load.
 *
 * Errors of Lua are values. Text begins with its place, "web.test.lua:12: …". Whoever raises a table
 * or an object of its own gets it back from viv_lua_script_call.
 *
 * Not thread-safe; but for viv_lua_script_interrupt nothing here may be called from a signal handler.
 */

#include "config/config.h"
#include "config/lua/lua.h"

#include <lua.h>

enum { VIV_LUA_SCRIPT_MEMORY_MIB = 256 };

struct viv_lua_script;

struct viv_lua_script_spec {
	const char *path;  /* absolute */
	const char *shown; /* in messages */
	const struct viv_config_test *test; /* its machine doesn't matter */
	struct viv_report *report; /* print, of functions that run: VIV_INFO. May be NULL */
	/*
	 * An unknown global is read, by a function that runs: its name is on top of the stack. Pushes
	 * its value and returns 1, or returns 0; may raise an error. NULL: there are none. Machines are
	 * asked for by their names in Lua, and "machines", "nodes" as well.
	 */
	int (*lookup)(lua_State *L, void *arg);
	/*
	 * What lookup has not either was read, by mistake: raises an error of its own that says what is on top of
	 * the stack, a text without a place. NULL: it is an error of Lua, as any.
	 */
	int (*mistake)(lua_State *L, void *arg);
	/*
	 * A function failed, and no pcall of the script's has it: its error is on the stack, and its frames are
	 * still there. May be NULL.
	 */
	void (*failed)(lua_State *L, void *arg);
	void *arg;
	/*
	 * Kept up to date with where the script is, for whoever ends the process when it is stuck in a
	 * function of the library (a pattern): only a limit of the process ends that. May be NULL.
	 */
	struct viv_lua_note *note;
};

/* EINVAL: the message has every error of the file, one a line. Everything in spec may go afterwards
 * but report, arg and note.
 */
int viv_lua_script_load(const struct viv_lua_script_spec *spec, struct viv_lua_script **ret,
			struct viv_error *err);
void viv_lua_script_free(struct viv_lua_script *s); /* NULL is fine */
VIV_DEFINE_CLEANUP(struct viv_lua_script, viv_lua_script_free)

lua_State *viv_lua_script_state(struct viv_lua_script *s);
/* The script of a state, for functions that Lua calls. */
struct viv_lua_script *viv_lua_script_of(lua_State *L);

/* Pushes the test's function. False, and nothing pushed: there is none of that name. */
bool viv_lua_script_push(struct viv_lua_script *s, const char *test);

/*
 * Calls the function on the stack with the nargs above it; as lua_call, but it returns:
 *   0           the results are on the stack
 *   -EINVAL     an error of Lua; its value is on the stack
 *   -ETIMEDOUT  the deadline
 *   -EINTR      viv_lua_script_interrupt
 *   -ENOMEM     more than VIV_LUA_SCRIPT_MEMORY_MIB
 *   another     what viv_lua_script_stop was given
 * with nothing on the stack but for the first two. *ret_trace, which may be NULL, gets a line for
 * each function of the files that ran when it went wrong, "web.test.lua:12: in function 'check'",
 * innermost first; nothing if all went well.
 *
 * Functions of C that Lua called may use it, too (subtest, retry): for what they don't handle
 * themselves they call viv_lua_script_raise with what it returned.
 */
int viv_lua_script_call(struct viv_lua_script *s, int nargs, int nresults,
			struct viv_strv *ret_trace);
/* From a function that Lua called: the error that viv_lua_script_call returned goes on its way. */
_Noreturn void viv_lua_script_raise(struct viv_lua_script *s, int code);
/*
 * From a function that Lua called: the innermost viv_lua_script_call returns `code` (negative); no
 * pcall of the script's notices. So a function that waits ends at the deadline (-ETIMEDOUT).
 */
_Noreturn void viv_lua_script_stop(struct viv_lua_script *s, int code);

/* When functions end, as viv_now_ms counts; 0: never. Holds until it is set again. */
void viv_lua_script_set_deadline(struct viv_lua_script *s, int64_t at_ms);
int64_t viv_lua_script_deadline(const struct viv_lua_script *s);
/*
 * What runs ends with -EINTR, or else the next thing that is called. Functions that wait look at
 * viv_lua_script_interrupted. For signal handlers.
 */
void viv_lua_script_interrupt(struct viv_lua_script *s);
bool viv_lua_script_interrupted(const struct viv_lua_script *s);

/*
 * An argument that names a file: path("…"), or text as path() takes it, relative to the folder of
 * the file whose function runs. Absolute; good as long as the argument is on the stack, which it
 * takes the place of. Raises an error for anything else.
 */
const char *viv_lua_script_check_path(lua_State *L, int index);
/* Where the innermost function of the files is, "web.test.lua:12"; "" if none runs. The caller frees it. */
char *viv_lua_script_place(struct viv_lua_script *s);

/* For a prompt (script-prompt.c) */

/* The innermost function of the files that runs; false: none does. Good as long as it does. */
bool viv_lua_script_frame(struct viv_lua_script *s, lua_Debug *ret);
/*
 * Compiles what a person typed, an expression or statements, and pushes its function. What it names: variables of
 * the frame (may be NULL; it must outlive the function), then the file's globals. -EAGAIN: it has no end yet; -EINVAL:
 * it is no Lua; -ENOMEM. All push a message.
 */
int viv_lua_script_compile(struct viv_lua_script *s, const char *text, lua_Debug *frame);
/* An interruption that nothing has met is none any more. */
void viv_lua_script_go_on(struct viv_lua_script *s);
