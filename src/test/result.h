/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a test came to. A result is plain data: the driver fills it in, the writers (tap.h, junit.h)
 * and the results folder (folder.h) take it from there; as JSON it can be stored and read again. All
 * text may be a guest's: whoever shows it on a terminal makes it fit (viv_report_text).
 */

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

enum viv_verdict {
	VIV_VERDICT_ERROR,   /* says nothing about what is under test: a bad file, a failed build, the host. Also what nobody judged */
	VIV_VERDICT_PASS,
	VIV_VERDICT_FAIL,
	VIV_VERDICT_SKIP,
	VIV_VERDICT_TIMEOUT, /* the time limit came first */
	VIV_VERDICT_CRASH,   /* a guest's kernel: a report on its console that was not expected */
};

#define VIV_VERDICT_COUNT (VIV_VERDICT_CRASH + 1)

const char *viv_verdict_name(enum viv_verdict verdict); /* "pass", "fail", … */
/* False: no such name; *ret untouched. */
bool viv_verdict_parse(const char *name, enum viv_verdict *ret);
/* Nothing to look into: passed, or skipped. */
bool viv_verdict_is_ok(enum viv_verdict verdict);

#define VIV_TEST_SUBTESTS_MAX 10000    /* of a test; those beyond are counted */
#define VIV_TEST_DEPTH_MAX    16       /* of subtests within subtests */
#define VIV_TEST_TEXT_MAX     4096     /* bytes of a name, a title, a reason, a place */
#define VIV_TEST_DETAILS_MAX  (64u << 10)
#define VIV_TEST_MACHINES_MAX 256
#define VIV_TEST_SUBTESTS_TEXT_MAX (12u << 20) /* bytes of all subtests' text: those beyond are counted, too */
#define VIV_TEST_LINE_MAX     (48u << 20) /* bytes of one result as JSON: more than all of these, escaped (\\u00e4) */

struct viv_test_subtest {
	char *name;
	enum viv_verdict verdict;
	unsigned depth; /* 0: the test's own; else of the last one before it with a depth less by one */
	int64_t ms;	/* negative: not known */
	char *reason;	/* one line, or NULL */
};

/* A parent stands before its children. */
struct viv_test_subtests {
	struct viv_test_subtest *items;
	size_t count, cap;
	uint64_t dropped; /* beyond what is kept */
};

void viv_test_subtests_free(struct viv_test_subtests *list); /* its contents; usable again */
/*
 * Puts a subtest in front of the `at`th (count: at the end); its time is not known, its verdict `pass`.
 * Depths that can't be are made possible. NULL: the list is full, and one more was dropped. What is
 * returned holds until the next one is put in.
 */
struct viv_test_subtest *viv_test_subtests_insert(struct viv_test_subtests *list, size_t at,
						  unsigned depth, const char *name);
struct viv_test_subtest *viv_test_subtests_add(struct viv_test_subtests *list, unsigned depth,
					       const char *name);

struct viv_test_result {
	char *file;	   /* as the user named it */
	int line;	   /* of the test in it; 0: not known */
	char *name;	   /* of the test in its file */
	char *combination; /* "fs=ext4,kernel=6.12"; NULL: the file has no matrix */
	char *title;	   /* for people: "web.test.lua: page [fs=ext4]". With file and line: which test it is */
	enum viv_verdict verdict;
	int64_t begun, ms; /* Unix time in milliseconds; how long it took */
	int64_t prepared;  /* ms of these until its machines were built and its own time began: downloads, builds, others' locks */
	unsigned attempt;  /* from 1 */
	char *reason;	   /* one line; NULL: it passed */
	char *place;	   /* "web.test.lua:12", or NULL */
	char *details;	   /* many lines: command, outputs, console, stack; or NULL */
	char *folder;	   /* its own, a name in the results folder; or NULL */
	struct viv_test_subtests subtests;
	struct viv_strv machines;
	struct viv_strv running; /* of these, what ran at the test's end: "web-1 (started at web.test.lua:12)" */
};

void viv_test_result_free_contents(struct viv_test_result *r);

/* Attempts of one test: file, line and title are the same. */
bool viv_test_result_same(const struct viv_test_result *a, const struct viv_test_result *b);

/* Owned results, in the order in which the tests ended; several of one test are its attempts. */
struct viv_test_results {
	struct viv_test_result *items;
	size_t count, cap;
};

void viv_test_results_free(struct viv_test_results *list); /* its contents; usable again */
/* Moves it in; *r is empty afterwards. */
void viv_test_results_take(struct viv_test_results *list, struct viv_test_result *r);
/* Moves over those of tests that the list has not; `more` is empty afterwards. */
void viv_test_results_fill(struct viv_test_results *list, struct viv_test_results *more);
/*
 * What counts: of each test the last attempt, by file, line and title. Borrowed pointers, which the
 * caller frees as one; *ret_n of them.
 */
const struct viv_test_result **viv_test_results_final(const struct viv_test_results *list,
						      size_t *ret_n);

/*
 * JSON, an object with the members' names, without those that are NULL or empty. Text beyond its limit
 * is cut (of details the middle), and what is not UTF-8 or not for a terminal is written as \x1b. The
 * caller owns it.
 */
json_t *viv_test_result_json(const struct viv_test_result *r);
/*
 * Takes what it says from anybody: types, limits, depths are checked; `folder` is a plain name; members that it doesn't
 * know are ignored. EINVAL says what is wrong. *ret is replaced; free its contents.
 */
int viv_test_result_parse(const json_t *j, struct viv_test_result *ret, struct viv_error *err);
