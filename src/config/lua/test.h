/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the front end knows of a test file: its machines, tests, matrix and parameters. All of it is
 * in the arena.
 */

#include "config/config.h"
#include "config/lua/state.h"

enum {
	VIV_LUA_MAX_MACHINES = 250,
	VIV_LUA_MAX_TESTS = 10000,
	VIV_LUA_MAX_AXES = 50,
	VIV_LUA_MAX_VALUES = 1000, /* of one of them */
	VIV_LUA_MAX_LABEL = 200,   /* bytes of a test's, an axis's, a value's name */
};

struct viv_lua_machine {
	const char *name;   /* "web-1" */
	const char *global; /* "web_1" */
	const struct viv_origin *origin; /* where it is first named; NULL: nowhere */
};

/*
 * Below `machine`, `machines.client`, `machines["*"]`: names of options there are that machine's.
 */
struct viv_lua_scope {
	struct viv_name written; /* machines["web-1"] */
	bool machines;		 /* `machines` itself: what is below is a machine */
	bool wanted;		 /* what is set there counts; else it is dropped */
};

struct viv_lua_test {
	const char *name;
	const struct viv_origin *origin;
	int function; /* registry */
	int64_t timeout_ms; /* 0: none given */
	const char *skip;   /* why; NULL: it isn't skipped */
	struct viv_value *expect; /* a list */
	struct viv_value *needs;  /* of texts */
};

struct viv_lua_axis {
	const char *name;
	const char **labels;
	size_t n;
	const struct viv_origin *origin;
};

struct viv_lua_param {
	const char *name;
	struct viv_value *fallback; /* NULL: it must be given */
	const struct viv_origin *origin;
};

struct viv_lua_test_file {
	const struct viv_config_test *spec;
	struct viv_lua_file *file; /* NULL until it is loaded */
	int env; /* registry: its globals, once it is */
	struct viv_lua_machine *machines;
	size_t n_machines, cap_machines;
	const struct viv_origin *lone; /* where `machine` is first named; NULL: nowhere */
	bool mixed;		       /* that both are there was said */
	bool defined;		       /* the machine's own defaults are among the definitions */
	struct viv_lua_test *tests;
	size_t n_tests, cap_tests;
	struct viv_lua_axis *axes;
	size_t n_axes, cap_axes;
	struct viv_lua_param *params;
	size_t n_params, cap_params;
	const char **variables; /* globals of its own */
	size_t n_variables, cap_variables;
};

/* machines.c */
/* "web.test.lua:12"; in the arena. */
const char *viv_lua_place_text(struct viv_lua *lua, const struct viv_origin *origin);
/* Pushes what `machines`, `nodes` (key says which) or `machine` is. */
void viv_lua_push_machines(struct viv_lua *lua, const char *key);
/* Assigns all machines, one machine or the lone one; `index` is the value. */
void viv_lua_assign_machines(struct viv_lua *lua, const char *key, int index);
/* The machine of that name below `machines`. Faults are reported; never NULL. */
const struct viv_lua_scope *viv_lua_machine_scope(struct viv_lua *lua,
						  const struct viv_lua_scope *machines,
						  const char *name);
/* machines.x = …; the scope is that machine's. */
void viv_lua_assign_machine(struct viv_lua *lua, const struct viv_lua_scope *scope, int index,
			    const struct viv_origin *where);
/* machines.client, machines["web-1"] */
const char *viv_lua_machine_written(struct viv_lua *lua, const char *name);
/* What it is called in tests. */
const char *viv_lua_machine_global(const struct viv_lua *lua, const char *name);
/* A machine by its name in Lua; NULL: there is none. */
const struct viv_lua_machine *viv_lua_machine_of_global(const struct viv_lua *lua,
							const char *name);
/* An option's name as a statement writes it (machines.client.a.b), if it is the wanted machine's. */
bool viv_lua_statement_option(const struct viv_lua *lua, const struct viv_lua_file *file,
			      const struct viv_name *written, struct viv_name *ret);
/* Whether the innermost file that is no library is the test file. */
bool viv_lua_in_test_file(struct viv_lua *lua);
/* The machine's own defaults. */
void viv_lua_define_machine(struct viv_lua *lua);

/* tests.c */
bool viv_lua_is_reserved(const struct viv_lua *lua, const char *name);
/* test, matrix and param: a table in the registry. */
#define VIV_LUA_TEST_FUNCTIONS "viv.tests"
void viv_lua_open_tests(struct viv_lua *lua);
bool viv_lua_is_test_function(struct viv_lua *lua, const char *name);
/* function test() … end; `index` is the function. */
void viv_lua_add_lone_test(struct viv_lua *lua, int index);

/* matrix.c */
int viv_lua_matrix(lua_State *L);
int viv_lua_param(lua_State *L);
/* Raises an error where a function of the top level is called elsewhere: in a test, a value, a block. */
void viv_lua_check_top_level(struct viv_lua *lua, const char *function);
/* The text at index, which is a name for people and for folders: one line. In the arena, or an error. */
const char *viv_lua_check_label(struct viv_lua *lua, int index, const char *what);

/* script.c */
/* A global that the sandbox does not have, at index 2; the result of an __index function. */
int viv_lua_script_global(struct viv_lua *lua);
/* Called every now and then while Lua runs: ends it when that is due. */
void viv_lua_script_tick(struct viv_lua *lua);
