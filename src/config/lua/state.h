/* SPDX-License-Identifier: MIT */
#pragma once

/* What the front end's files share. */

#include "config/lua/lua.h"
#include "config/lua/scan.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* Limits that are the same on every machine; those of the process (child.c) stand behind them. */
enum {
	VIV_LUA_MAX_MEMORY = 64 << 20,
	VIV_LUA_MAX_DATA = 64 << 20, /* values copied out of Lua */
	VIV_LUA_MAX_FILE = 4 << 20,
	VIV_LUA_MAX_FILES = 1000,
	VIV_LUA_MAX_NESTING = 60, /* of tables, wrappers, types, blocks */
	VIV_LUA_HOOK_EVERY = 1000,
};
#define VIV_LUA_MAX_INSTRUCTIONS 50000000u

struct viv_lua_scan {
	struct viv_tokens tokens;
	struct viv_statements statements;
};

struct viv_lua_file {
	struct viv_file file;
	const char **lines; /* where each begins; NULL until a place is asked for */
	size_t n_lines;
	struct viv_lua_scan *scanned; /* NULL until a place needs it */
	bool library;		      /* required, not imported: it sets nothing */
	bool stock;
	bool running; /* for a library that requires itself */
	struct viv_lua_import {
		const char *module; /* "./file.lua", or a stock module's name */
		const struct viv_origin *origin;
		struct viv_name name; /* imports[2] */
	} * imports;
	size_t n_imports, cap_imports;
	int result; /* registry: what a library returned */
};

/* Why a name that is no known option was read. */
enum viv_lua_use { VIV_LUA_READ, VIV_LUA_COPIED, VIV_LUA_OPERATED, VIV_LUA_CALLED };

struct viv_lua_read {
	struct viv_name name;
	const struct viv_lua_scope *scope; /* the machine of a test file; NULL: no machine */
	struct viv_origin *origin;
	struct viv_name into; /* COPIED: what it was assigned to */
	enum viv_lua_use use;
	bool done; /* it was the beginning of a longer name, or was reported */
};

struct viv_lua_def {
	struct viv_name name;
	struct viv_value *value;
	struct viv_origin *origin;
	struct viv_cond *cond;
	uint64_t major, seq; /* a block's definitions stand where the block stands */
};

struct viv_lua_declaration {
	struct viv_name name;
	struct viv_option *option;
	struct viv_origin *origin;
};

/* A mkIf(…), mkForce(…) and so on that was made; one that nobody assigns is a block or a mistake.
 */
struct viv_lua_wrapper {
	struct viv_value *value;
	const char *made_by;
	struct viv_cond *cond; /* around it */
	uint64_t seq;
	bool used;
};

struct viv_lua {
	struct viv_frontend frontend; /* first */
	lua_State *L;
	struct viv_arena *arena;
	struct viv_arena scratch; /* what is printed by a script */
	struct viv_faults *faults;
	struct viv_report *report;
	struct viv_eval *ev;
	struct viv_lua_note *note;
	size_t memory, max_memory;
	uint64_t instructions;
	bool exhausted;		     /* a limit was reached and reported */
	bool evaluating;	     /* all files are read */
	struct viv_origin failed_at; /* of the error on its way */

	struct viv_lua_file **files;
	size_t n_files, cap_files;
	unsigned next_rank;
	struct viv_cond *cond; /* of the block that runs */
	uint64_t major;	       /* 0 outside blocks */
	unsigned block_depth;
	uint64_t next_seq;
	int libraries; /* registry: the sandbox's globals */
	struct viv_lua_test_file *test; /* NULL: no test file is read (test.h) */
	struct viv_lua_script *script;	/* whose functions run; NULL while files are read (script.c) */

	struct viv_lua_def *defs;
	size_t n_defs, cap_defs;
	struct viv_lua_declaration *declarations;
	size_t n_declarations, cap_declarations;
	struct viv_lua_read *reads;
	size_t n_reads, cap_reads;
	struct viv_lua_wrapper *wrappers;
	size_t n_wrappers, cap_wrappers;
	struct viv_lua_block **blocks; /* with conditions that are to be evaluated (blocks.c) */
	size_t n_blocks, cap_blocks;
	struct viv_lua_block *block; /* the one of them that runs */
	bool settled;		     /* no more of them is to run */
	bool muted;		     /* what is printed was not asked for: a round, a script's file */
};

struct viv_lua *viv_lua_of(lua_State *L);
/* NULL if the chunk is no file's. Its struct viv_lua_file begins with it. */
const struct viv_file *viv_lua_file_of_chunk(struct viv_lua *lua, const char *source);
/* Where the innermost running Lua code is; file NULL if there is none. A copy in the arena. */
struct viv_origin *viv_lua_here(struct viv_lua *lua);
struct viv_lua_file *viv_lua_file_here(struct viv_lua *lua);
/*
 * How often it is looked whether Lua's time is up. over: it is, and not one instruction more shall run: what
 * variables with <close> do when they go out of use would else begin anew, each of them.
 */
void viv_lua_hurry(struct viv_lua *lua, bool over);
/* Notes it in the shared page. */
void viv_lua_note_here(struct viv_lua *lua);
/* "#3:12: text": the place goes to *ret, what is left is returned. */
const char *viv_lua_split_place(struct viv_lua *lua, const char *text, struct viv_origin *ret);
/* The same for people: what Lua says of a full stack. */
const char *viv_lua_plain_error(const struct viv_lua *lua, const char *text);
/*
 * Calls what is on the stack (function, arguments); an error becomes a fault about `name`. Leaves
 * one result, or nothing when it returns false.
 */
bool viv_lua_call(struct viv_lua *lua, int args, const struct viv_name *name);
/* Raises an error that was reported already. */
_Noreturn void viv_lua_silent(lua_State *L);

/* sandbox.c: what files see; `libraries` is set. */
void viv_lua_open_sandbox(struct viv_lua *lua);

/* env.c: a file's globals. */
void viv_lua_push_env(struct viv_lua *lua, struct viv_lua_file *file);

/* names.c: proxies of options. */
struct viv_lua_scope; /* test.h */
void viv_lua_open_names(struct viv_lua *lua);
/* Pushes what reading a name gives; scope: of which machine, NULL: of the machine. */
void viv_lua_push_read(struct viv_lua *lua, const struct viv_lua_scope *scope,
		       const struct viv_name *name);
/* Pushes `options`, or the name of a machine itself (an empty one). */
void viv_lua_push_options(struct viv_lua *lua, const struct viv_lua_scope *scope);
void viv_lua_push_scope(struct viv_lua *lua, const struct viv_lua_scope *scope);
/* What swallows everything, after an error. */
void viv_lua_push_broken(lua_State *L);
bool viv_lua_is_broken(lua_State *L, int index);
void viv_lua_report_reads(struct viv_lua *lua);
/* If the value is a name's proxy: notes what it was used for, reports if that is known. */
bool viv_lua_use_name(struct viv_lua *lua, int index, enum viv_lua_use use,
		      const struct viv_name *into);
/* While functions of a test run a fault is an error: raises the first, if there is one. */
void viv_lua_raise_faults(struct viv_lua *lua);
/* Adds what misuse of an object raises: call with the metatable on top. */
void viv_lua_add_misuse(lua_State *L);

/* assign.c */
/* name = the value at index, or options.name = …. Faults are reported, or raised. */
void viv_lua_assign(struct viv_lua *lua, const struct viv_lua_scope *scope,
		    const struct viv_name *name, bool declaration, int index);
/* machines.x = …, machine.imports = …, machine.options = …; false: it is an option like any. */
bool viv_lua_set_machine(struct viv_lua *lua, const struct viv_lua_scope *scope, const char *part,
			 int index);
/* options.name = the value at index. */
void viv_lua_declare(struct viv_lua *lua, const struct viv_name *name, int index,
		     struct viv_origin *origin);
void viv_lua_add_def(struct viv_lua *lua, const struct viv_name *name, struct viv_value *v,
		     struct viv_origin *origin);

/* copy.c */
/* A Lua value as data. Faults are reported, and the value then is BROKEN. Never NULL, no errors. */
struct viv_value *viv_lua_copy(struct viv_lua *lua, int index, struct viv_origin *origin,
			       const struct viv_name *name);
void viv_lua_push_value(struct viv_lua *lua, const struct viv_value *v);

bool viv_lua_is_text(const char *s, size_t n);
/* As luaL_checkstring, and it must be text without NUL. */
const char *viv_lua_check_text(lua_State *L, int index);

/* construct.c: mkIf, pkgs, path, ref, types, mkOption, null. */
void viv_lua_open_constructors(struct viv_lua *lua);
struct viv_lua_object {
	struct viv_value *value;
	size_t wrapper; /* index + 1; 0: none */
};
/* NULL if it is no such object. */
struct viv_lua_object *viv_lua_to_object(lua_State *L, int index);
void viv_lua_push_object(struct viv_lua *lua, struct viv_value *v);
/* Remembers that a function made something that must be used; its number, from 1. */
size_t viv_lua_track(struct viv_lua *lua, struct viv_value *v, const char *made_by);

/* packages.c: changes to packages. */
/* __index of objects: a package's functions. Upvalue: what any other object does. */
int viv_lua_package_index(lua_State *L);
int viv_lua_make_package(lua_State *L);
/*
 * A change as it is kept: known names, each of its type, paths absolute, all of the names there. NULL
 * after a fault.
 */
struct viv_value *viv_lua_package_change(struct viv_lua *lua, const struct viv_value *v,
					 const char *package, const struct viv_origin *origin);

/* types.c */
void viv_lua_open_types(struct viv_lua *lua);
/* The option that mkOption made, which counts as used now; NULL if it is none. */
struct viv_option *viv_lua_to_option(lua_State *L, int index);

/* lazy.c: the finished configuration, and functions of it. */
void viv_lua_open_config(struct viv_lua *lua);
struct viv_value *viv_lua_call_function(struct viv_frontend *fe, const struct viv_value *f,
					const struct viv_name *name);
/* Calls a FUNCTION value with the n values on top of the stack. NULL after a fault. */
struct viv_value *viv_lua_call_with(struct viv_lua *lua, const struct viv_value *f, int n,
				    const struct viv_name *name);
struct viv_slot *viv_lua_to_slot(lua_State *L, int index);
/* Pushes the slot's names as a sorted list. */
void viv_lua_push_slot_names(struct viv_lua *lua, struct viv_slot *s);
void viv_lua_index_slot(struct viv_lua *lua, struct viv_slot *s, const char *key);

/* blocks.c */
struct viv_lua_block;
/*
 * Blocks among the wrappers made from that one on: runs those whose condition is a plain true,
 * keeps those whose condition is to be evaluated.
 */
void viv_lua_take_blocks(struct viv_lua *lua, size_t from);
/* Tells the evaluation what the blocks that did not run would set. */
void viv_lua_expect_blocks(struct viv_lua *lua);
/* When no block is left to run: what those that hold printed and did wrong comes out. */
void viv_lua_settle_blocks(struct viv_lua *lua);
void viv_lua_print(struct viv_lua *lua, const char *text);

/* files.c */
void viv_lua_open_files(struct viv_lua *lua);
/* "./x" as seen from the file; NULL after a fault. Absolute, clean. */
const char *viv_lua_resolve(struct viv_lua *lua, const struct viv_lua_file *from, const char *path,
			    const struct viv_origin *origin, const struct viv_name *name);
/* imports = the value at index; origin->lhs is set. */
void viv_lua_add_imports(struct viv_lua *lua, struct viv_lua_file *file, int index,
			 struct viv_origin *origin);
/* One of them, or a machine of a test file; name: what stands in the file at origin. */
void viv_lua_add_import(struct viv_lua *lua, struct viv_lua_file *file, const char *module,
			const struct viv_origin *origin, const struct viv_name *name);

/* hint.c */
/* What somebody may mean by a name that other languages have; NULL: it is none of these. */
const char *viv_lua_foreign_hint(const struct viv_lua *lua, const char *name);
/* A name that nothing defines, for what people of other languages often mean by it. */
void viv_lua_report_undefined(struct viv_lua *lua, const struct viv_lua_read *r);
/* A machine's method is called where no machine runs. */
void viv_lua_report_method(struct viv_lua *lua, const struct viv_lua_scope *scope, const char *method,
			   const struct viv_origin *origin);
/* What to say about a syntax error at that line of a file; NULL: nothing. In the arena. */
const char *viv_lua_syntax_hint(struct viv_lua *lua, const struct viv_file *file, int line);

/* locate.c */
/* The file's tokens and statements, scanned once. */
struct viv_lua_scan *viv_lua_scanned(struct viv_lua *lua, struct viv_lua_file *f);
void viv_lua_locate(struct viv_frontend *fe, const struct viv_origin *origin,
		    const struct viv_name *name, struct viv_place *ret);
