/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The Lua front end: machine files in Lua become definitions. A file is a chunk whose globals are
 * the sandbox's functions and, for every other name, proxies that note what is assigned to them.
 *
 * What runs here may be hostile: it runs in a child process with limits (config/child.h). Nothing
 * that C code holds may be lost in a Lua error (longjmp): all of it lives in the arena.
 */

#include "base/report.h"
#include "config/config.h"
#include "config/eval.h"

struct viv_lua;

/* The message for both limits, that of steps and that of processor time. */
#define VIV_LUA_TIME_IS_UP "still not done when its time was up (an endless loop?)"

/* Shared with whoever watches the process: where it was when a limit ended it. */
struct viv_lua_note {
	char file[240];
	int line;
};

/*
 * Makes a state. ev's front end must be set to what viv_lua_frontend gives. What files print goes
 * to report (may be NULL). note may be NULL.
 */
struct viv_lua *viv_lua_new(struct viv_arena *arena, struct viv_faults *faults,
			    struct viv_report *report, struct viv_lua_note *note);
struct viv_frontend *viv_lua_frontend(struct viv_lua *lua);
void viv_lua_set_eval(struct viv_lua *lua, struct viv_eval *ev);
void viv_lua_free(struct viv_lua *lua);
/* The next file that is loaded is a test file; test must outlive the state. Call it at most once. */
void viv_lua_set_test(struct viv_lua *lua, const struct viv_config_test *test);
/* When all is loaded: what the test file declares, faults of that are reported. The caller owns it. */
json_t *viv_lua_test_declared(struct viv_lua *lua);

/* Runs a file and those that it imports. `shown`: its name in messages. Errors become faults. */
void viv_lua_load(struct viv_lua *lua, const char *path, const char *shown, int tier);
/* The same from memory; for tests. */
void viv_lua_load_text(struct viv_lua *lua, const char *text, size_t len, const char *shown);
/*
 * When all is loaded: declares the files' own options and adds every definition to ev, which has
 * none yet.
 */
void viv_lua_define(struct viv_lua *lua);
/*
 * Runs conditional blocks whose condition holds with what is defined. True: begin again with an
 * empty ev, without the faults since then, with viv_lua_define and this.
 */
bool viv_lua_run_blocks(struct viv_lua *lua);
/* When no block is left that is to run: call it before anything else is evaluated. */
void viv_lua_settle(struct viv_lua *lua);
/* The exact line of a name in an origin's file; *ret comes with the line that is known. */
void viv_lua_locate_place(struct viv_lua *lua, const struct viv_origin *origin,
			  const struct viv_name *name, struct viv_place *ret);
/*
 * What overlays and overrides come to: {name: {package, debian, src, patches, …}} (config.h). Faults are
 * reported. The caller owns it.
 */
json_t *viv_lua_packages(struct viv_lua *lua);
/* After evaluation: what was read but isn't there. */
void viv_lua_finish(struct viv_lua *lua);

/* The stock modules: sources embedded in the program. Ends with a NULL name. */
struct viv_lua_module {
	const char *name;
	const char *text;
	size_t len;
};
extern const struct viv_lua_module viv_lua_modules[];
