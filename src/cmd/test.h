/* SPDX-License-Identifier: MIT */
#pragma once

/* What `viv test` shows while tests run. */

#include "cmd/cmd.h"
#include "cmd/test-output.h"
#include "test/driver.h"
#include "test/folder.h"

struct viv_test_log {
	struct viv_cmd *cmd;
	struct viv_test_output output;
	bool live;    /* everything, as it happens; else a line for each test, and more of what went wrong */
	bool mute;    /* nothing at all: something else goes to stdout */
	bool colours;
	const struct viv_suite *suite; /* whose labels those are */
	struct viv_strv labels; /* of each test, as its lines begin; none: they begin with the machine */
	char *step; /* the last line, where it said that something begins; NULL: it said something else */
	size_t n, done; /* tests; how many have ended */
	unsigned counts[VIV_VERDICT_COUNT];
	int64_t begun; /* viv_now_ms */
};

struct viv_test_log viv_test_log_new(struct viv_cmd *cmd, bool live);
void viv_test_log_free_contents(struct viv_test_log *log);
/* Lines of tests that run at once: each begins with its test. The suite must outlive the log. */
void viv_test_log_label(struct viv_test_log *log, const struct viv_suite *suite);
void viv_test_log_begin(struct viv_test_log *log, const struct viv_test_case *c, unsigned attempt);
void viv_test_log_event(struct viv_test_log *log, const struct viv_test_case *c, const json_t *event);
/* How much it matters that an event is read. */
enum viv_test_weight viv_test_log_weight(const json_t *event);
void viv_test_log_end(struct viv_test_log *log, const struct viv_test_result *r, bool final);
/* "3 passed, 1 failed": the last line. */
void viv_test_log_summary(struct viv_test_log *log);

/* test-results.c */

/* The folder that is wanted, or a new one of this folder's runs. */
int viv_test_open_results(const char *wanted, struct viv_test_folder **ret, struct viv_error *err);
/* Prints what a run came to: of the folder that is wanted, or the last one's here. The exit status, or an errno. */
int viv_test_report(struct viv_cmd *cmd, const char *wanted, bool tap, struct viv_error *err);
/*
 * --shard and --durations; each may be NULL. *ret_durations: the file that what is measured goes to, the caller's;
 * NULL without `durations`.
 */
int viv_test_arrange(struct viv_suite *suite, const char *shard, const char *durations, char **ret_durations,
		     struct viv_error *err);

/* test-methods.c: prints what a test can call. The exit status. */
int viv_test_methods(struct viv_cmd *cmd);
