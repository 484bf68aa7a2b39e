/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * `viv test -i`: a prompt in the process that runs the test, before the test and where it fails, with the test's
 * machines alive: their events are handled while it waits. What is typed is Lua, with the names that the test has.
 */

#include "test/runner.h"

struct prompt;

struct prompt *prompt_new(struct runner *r);
void prompt_free(struct prompt *p); /* NULL is fine */
/* The test's time: a prompt, the test when it says so, prompts where that fails. */
void prompt_run_test(struct prompt *p);
/* For viv_lua_script_spec.failed: a prompt at the failing line. */
void prompt_failed(struct prompt *p, lua_State *L);
/* What happens, for who sits there. */
void prompt_tell(struct prompt *p, const json_t *event);
/* Ctrl-C: true, it is the prompt's affair. */
bool prompt_interrupt(struct prompt *p, int signo);

/* From methods and functions. */
void prompt_leave(struct prompt *p, bool quit);
int prompt_test(struct prompt *p);
FILE *prompt_out(const struct prompt *p);
void prompt_list_machines(const struct runner *r, FILE *out);
/* While somebody else has the terminal nothing is told. */
void prompt_lend(struct prompt *p, bool lent);

/* Names that could stand before the cursor, see viv_line_spec. */
void prompt_complete(const struct runner *r, const char *line, size_t cursor, struct viv_strv *ret, size_t *ret_from);
