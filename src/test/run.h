/* SPDX-License-Identifier: MIT */
#pragma once

/* One run of one test: what is asked for, and the call that does it all. */

#include "config/config.h"
#include "config/lua/lua.h"
#include "test/event.h"
#include "test/guest.h"
#include "test/result.h"

#include <stdio.h>

#define VIV_TEST_LIMIT_MS (3600 * 1000) /* of a test, where nothing else is said */
#define VIV_TEST_WAIT_MS  (900 * 1000)	/* of a wait */

/* A person at a terminal (viv test -i); see test/prompt.h. */
struct viv_test_prompt {
	int in_fd;	     /* what is typed */
	FILE *out;
	const char *history; /* a file; NULL: none is kept */
	/* What happens is shown by the process that runs the test, before its prompt. */
	void (*show)(const json_t *event, void *arg);
	void *arg;
};

struct viv_test_run {
	const char *file;  /* absolute; NULL: the default machine */
	const char *text;  /* see struct viv_config_test */
	const char *shown; /* as the user named it */
	const char *name;  /* of the test in it */
	const char *title, *combination; /* see struct viv_test_result */
	int line;
	const struct viv_config_choice *matrix, *params;
	size_t n_matrix, n_params;
	const struct viv_config_setting *settings; /* for each machine */
	size_t n_settings;
	const json_t *machines; /* names; as viv_config_declared has them */
	const json_t *expect;	/* reports of the kernel that are no failure; may be NULL */
	int64_t limit_ms;	/* of the test, from when its machines are built; 0: none */
	int64_t wait_ms;	/* of a wait that says nothing else */
	bool keep;		/* machines of a test that failed run on, in this process */
	unsigned attempt;	/* from 1 */
	const char *folder; /* for what the test leaves, absolute, there; NULL: nowhere */
	const char *store;  /* NULL: the usual one */
	struct guest_programs programs;
	const struct viv_test_prompt *prompt; /* NULL: nobody is asked */
	struct viv_lua_note *note; /* shared: where the script is, for whoever has to kill this process; may be NULL */
};

/*
 * Runs it in this process: while it runs SIGINT, SIGTERM and SIGHUP are its own, and end the test. What happens
 * goes to events_fd as lines (test/event.h), the result too. It always has a verdict: nothing is an error here.
 */
void viv_test_run(const struct viv_test_run *run, int events_fd);
/* Names that a script has in tests: no machine can have one. Ends with NULL. */
const char *const *viv_test_reserved(void);
