/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Runs a suite's cases, several at once: each in a process of its own (test/run.h), so that a script that can't be
 * stopped can be killed, and what a test needs goes when it ends. Here is only what waits, starts the next, and
 * hands on what is told.
 */

#include "base/loop.h"
#include "test/result.h"
#include "test/run.h"
#include "test/suite.h"

struct viv_driver_spec {
	const struct viv_suite *suite;
	const struct viv_config_choice *params;
	size_t n_params;
	const struct viv_config_setting *settings;
	size_t n_settings;
	unsigned jobs; /* at once at most; 0: as many as there are processors for their machines */
	bool keep;	      /* see struct viv_test_run */
	unsigned retry;	      /* a test that does not pass is run again so often */
	int64_t limit_ms;     /* of a test that says nothing else; 0: the default */
	int64_t wait_ms;      /* of a wait; 0: the default */
	const char *store;
	struct guest_programs programs;
	const struct viv_test_prompt *prompt; /* the only test's: it has no limit, and Ctrl-C is its own; may be NULL */
	/* All from the loop. An event's JSON is borrowed. */
	void (*begin)(const struct viv_test_case *c, unsigned attempt, void *arg);
	void (*event)(const struct viv_test_case *c, const json_t *event, void *arg);
	/* result: borrowed. final: it isn't run again. */
	void (*end)(const struct viv_test_case *c, const struct viv_test_result *result, bool final, void *arg);
	/* Where what this case leaves goes: a folder that is there. The caller frees it; NULL: nowhere. May be NULL. */
	char *(*folder)(const struct viv_test_case *c, unsigned attempt, void *arg);
	void *arg;
};

/* How many tests may run at once, if there are so many. */
unsigned viv_driver_at_once(const struct viv_driver_spec *spec);
/*
 * Blocks until all have ended. SIGINT, SIGTERM and SIGHUP end the tests that run, and those that don't are not
 * begun: *ret_signal then says which; 0: none came.
 */
int viv_driver_run(const struct viv_driver_spec *spec, int *ret_signal, struct viv_error *err);
