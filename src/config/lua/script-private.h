/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of running scripts share. */

#include "config/lua/script.h"
#include "config/lua/test.h"

#include <stdatomic.h>

struct viv_lua_script {
	struct viv_arena arena;
	struct viv_faults faults;
	struct viv_eval ev;
	struct viv_lua *lua;
	struct viv_config_test test;
	int (*lookup)(lua_State *L, void *arg);
	int (*mistake)(lua_State *L, void *arg);
	void (*failed)(lua_State *L, void *arg);
	void *arg;
	int library; /* registry: functions that only running tests see */
	int64_t deadline;
	atomic_int interrupted;
	int stopped; /* negative: why; until the innermost call returns */
	unsigned depth;
	struct viv_strv trace;
	unsigned traced; /* the depth of the call whose error `trace` is of; 0: none */
	int traced_value; /* registry: that error */
};

/* script-globals.c */
/* Makes pcall and what else only running functions see. */
void viv_lua_script_open(struct viv_lua_script *s);
/* The message on top as people read it: the file's name before it, not the chunk's. */
void viv_lua_script_translate(struct viv_lua *lua);
