/* SPDX-License-Identifier: MIT */
#pragma once

/* The tables of what a script can call, by area, and what they share. */

#include "base/loop.h"
#include "base/status.h"
#include "test/call.h"
#include "test/picture.h"

extern const struct method methods_run[], methods_units[], methods_waits[], methods_files[], methods_network[],
	methods_life[], methods_save[], methods_console[], methods_crash[];
extern const struct method methods_script[], methods_prompt[], functions_prompt[];
extern const struct method functions_condition[];
extern const struct method functions_script[], functions_network[], functions_assert[];
extern const struct method methods_screen[], methods_input[], methods_monitor[], methods_terminal[], methods_desktop[];

/* What a command wrote, to the failure's details: of much the end. */
void methods_add_stream(struct call *c, const char *name, const struct viv_str *s);
/* A value as a message shows it. The caller frees it. */
char *methods_shown(lua_State *L, int index);
/* A script's seconds, of which any number may come: from 0 to some years. */
int64_t methods_ms(double seconds);
/* Lets the loop go on for so long. As runner_wait, and 0 when the time is over. */
int methods_pause(struct call *c, int64_t ms);

/*
 * Runs a program of ours in the machine. -1: it did not come to its end; the call has failed. Its status is the
 * caller's to look at.
 */
int methods_ask(struct call *c, const char *const *argv, const char *user, struct runner_output *ret);

/* The argument's file, as a path; it stays on Lua's stack. NULL: it can't be one, and the call has failed. */
const char *methods_path(struct call *c, int i);

/* A script of sh: runit's services answer to systemctl's words. $1 is the word, what follows are units. */
extern const char methods_runit[];

/* As runner_watch, within the call's time; METHODS_SAID: the call has failed, and says why. */
#define METHODS_SAID (-65536) /* no errno */
int methods_watch(struct call *c, const char *kind, const char *const *words, char **ret_answer);
/* For what methods_watch answers (code): the call fails. -1. */
int methods_watched(struct call *c, int code, const char *answer, const char *what);

/* To the failure's details, what there is to know of a unit, a user's (NULL: the system's), if it can be had. methods-units.c */
void methods_add_status(struct call *c, const char *user, const char *unit);

/* Into a folder of the test's results ("": itself), and nowhere else, whatever the guest sends. -1: the call has failed. */
int methods_copy_out(struct call *c, const char *source, const char *target);
/* env = { NAME = "value" } of the options, as "NAME=value"; false: it is no such table. */
bool methods_read_env(struct call *c, struct viv_strv *ret);
/*
 * It is off: has it powered off (or rebooted where it may; panicked where that was expected), or ended in one of
 * these ways, bits of 1 << enum viv_vm_end? If not, the call has failed: -1.
 */
int methods_ended(struct call *c, struct guest *g, unsigned also);
/* From here on its end is what the test wants. */
void methods_want_end(struct guest *g);
/* For methods that want it to run, and not its system: starts it where it is off. by_name: as runner_start. */
int methods_start(struct call *c, bool by_name);
/* Is the text in it, as it is or as an extended regular expression (regex(7)), of which ^ and $ are a line's? */
bool methods_matches(const char *pattern, const char *text);
/* Values between Lua and JSON. An empty table is an object. -EINVAL: there is something in it that JSON has not. */
void methods_push_json(lua_State *L, const json_t *j);
int methods_to_json(lua_State *L, int index, json_t **ret, struct viv_error *err);
/* Gives QEMU a command (test/monitor.h), and says what went wrong. *ret, which may be NULL, is the caller's. */
int methods_qmp(struct call *c, const char *command, json_t *arguments, json_t **ret);
/* As methods_start; one that has no screen is a mistake in the test. */
int methods_need_screen(struct call *c);
/* What its screen shows; `bytes` gets the picture as QEMU wrote it. */
int methods_take_picture(struct call *c, struct picture *ret, struct viv_str *bytes);
