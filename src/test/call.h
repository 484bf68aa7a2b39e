/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a test's script can call: methods of machines (`web_1:succeed("true")`) and functions
 * (`subtest("x", fn)`). Each is a row of a table: name, parameters, one line for people, the C function.
 * From the rows come the check of arguments, near names, completion, `viv test --methods` and the
 * reference in docs/testing.md.
 *
 * A C function here never raises a Lua error by itself (it may hold memory): it says what failed in
 * c->failure and returns below 0; the one who called it raises.
 */

#include "test/runner.h"

#include <lauxlib.h>
#include <lua.h>

struct call;

/*
 * Parameters: a letter each, "?" before those that may be left out, "*" after one that may come more than once:
 * s text, i whole number, n number, b true or false, f function, m machine, a anything, t table. A table of
 * options may come last where there are any: each has its letter, too, and further ones are w text that a number
 * can't be (S and W: it may have NUL bytes), u a user (a name or a number), d a time (seconds, or "5m"), q a number or text with a unit. `timeout`
 * is one of all.
 */
struct method {
	const char *name;
	const char *params; /* "s?n" */
	const char *shown;  /* "(command…, {timeout, user, cwd, env, check…})" */
	const char *options; /* what the table of options may have: "user:u env:t", below; NULL: none */
	const char *text;   /* one line */
	int (*fn)(struct call *c);
	bool early;	/* a method that does not need the machine's system */
};

/* What a method may return and has methods itself, a machine's. */
struct call_type {
	const char *name; /* "process": for messages */
	const struct method *methods; /* ends with a row without a name */
};

struct call {
	struct runner *r;
	struct guest *g; /* the method's machine; NULL: a function */
	const struct call_type *type; /* whose method it is, where it is not the machine's; */
	void *object;		      /* and which one's */
	const struct method *method;
	lua_State *L;
	int n;	     /* arguments without the machine and the options */
	int first;   /* the first one's index */
	int options; /* index of the options; 0: none */
	int64_t limit_ms; /* its timeout option, or the default */
	int64_t deadline; /* viv_now_ms: when that is over */
	struct runner_failure failure;
	int raised; /* what call_lua met: it is passed on, if the function fails; 0: nothing */
	char *step; /* what call_step has told last; NULL: nothing */
	int64_t step_begun; /* viv_now_ms */
};

/* Arguments, from 0; checked by the parameters' letters, so present ones are of their type. */
const char *call_text(const struct call *c, int i); /* NULL: left out */
int64_t call_int(const struct call *c, int i, int64_t otherwise);
double call_number(const struct call *c, int i, double otherwise);
/* Options, of their types. */
const char *call_option_text(const struct call *c, const char *name); /* NULL: not given */
struct viv_slice call_option_bytes(const struct call *c, const char *name); /* as above */
bool call_option_bool(const struct call *c, const char *name, bool otherwise);
double call_option_number(const struct call *c, const char *name, double otherwise);
double call_option_seconds(const struct call *c, const char *name, double otherwise);

/* Says what failed; returns -1. The second: with the machine's last lines of console as details, too. */
int call_fail(struct call *c, enum viv_verdict verdict, const char *fmt, ...) VIV_PRINTF(3, 4);
/* For what viv_… functions answer. */
int call_error(struct call *c, struct viv_error *err);
/* For what runner_wait and its like answer (code), while waiting for `what`. */
int call_waited(struct call *c, int code, const char *fmt, ...) VIV_PRINTF(3, 4);
void call_details(struct call *c, const char *fmt, ...) VIV_PRINTF(2, 3); /* adds */
/* The machine's last lines of console, to the details. */
void call_add_console(struct call *c);
/*
 * Calls the function on the stack. -1: it failed, and so does the call if it returns below 0; its error is on the
 * stack if c->raised is -EINVAL.
 */
int call_lua(struct call *c, int nargs, int nresults);

/* Pushes an object of the call's machine. It must live as long as the script does. */
void call_push_object(struct call *c, const struct call_type *type, void *object);

/*
 * Starts the machine if need be, and waits until its system is up: done for every method but early ones, which
 * may do so when they have looked at their arguments. -1: the call has failed.
 */
int call_need(struct call *c);
int call_need_early(struct call *c); /* not until its system is up: until it takes commands */

/*
 * Tells that something begins, and so that what began before has ended: so does the call's end. What took a while is told
 * with how long it did.
 */
void call_step(struct call *c, const char *fmt, ...) VIV_PRINTF(2, 3);

/* The tables. Each ends with a row without a name. */
extern const struct method *const method_tables[];   /* ends with NULL */
extern const struct method *const function_tables[]; /* ends with NULL */

/* Prepares the script's state: types, and what `lookup` finds. */
void call_open(struct runner *r, lua_State *L);
/* For viv_lua_script_spec. arg: the runner. */
int call_lookup(lua_State *L, void *arg);
int call_mistake(lua_State *L, void *arg); /* never returns */
/* Pushes a function as scripts call it. */
void call_push(lua_State *L, const struct method *m);
/* The same value each time: machines can be compared, and be names in tables. */
void call_push_guest(lua_State *L, struct guest *g);
void call_push_machines(struct runner *r, lua_State *L); /* machines.c: what `machines` is in a function */
/* What went wrong in call_lua. */
void call_take_error(const struct call *c, struct runner_failure *ret);
/* What an error of Lua says that is on the stack, and stays there. */
void call_take_value(lua_State *L, struct runner_failure *ret);
