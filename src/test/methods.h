/* SPDX-License-Identifier: MIT */
#pragma once

/* The tables of what a script can call, by area, and what they share. */

#include "base/loop.h"
#include "base/status.h"
#include "test/call.h"

extern const struct method methods_run[], methods_units[], methods_waits[], methods_life[], methods_console[],
	methods_crash[], functions_script[], functions_assert[];
extern const struct method methods_script[];

/* What a command wrote, to the failure's details: of much the end. */
void methods_add_stream(struct call *c, const char *name, const struct viv_str *s);
/* Lets the loop go on for so long. As runner_wait, and 0 when the time is over. */
int methods_pause(struct call *c, int64_t ms);

/*
 * Runs a program of ours in the machine. -1: it did not come to its end; the call has failed. Its status is the
 * caller's to look at.
 */
int methods_ask(struct call *c, const char *const *argv, const char *user, struct runner_output *ret);

/* As runner_watch, within the call's time; -EIO: the call has failed. */
int methods_watch(struct call *c, const char *kind, const char *const *words, char **ret_answer);
/* For what methods_watch answers (code): the call fails. -1. */
int methods_watched(struct call *c, int code, const char *answer, const char *what);
