/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A results folder: what a run of `viv test` leaves.
 *
 *	results.jsonl	a result a line, written as the tests end: a driver that was killed leaves all
 *			that were done
 *	planned.jsonl	what is said of each test that has no result there, written before the first one begins
 *	results.tap	all of them, at the end
 *	junit.xml	the same
 *	.viv-results	says that it is one of ours, and lists the tests' folders: each is written down
 *			before it is made
 *	<test>/		of each test: its console, screenshots, what it copied
 *
 * One process writes at a time: it holds a lock on .viv-results.
 */

#include "test/result.h"

#define VIV_TEST_FOLDER_MARKER ".viv-results"
#define VIV_TEST_RUNS_KEPT     5 /* of those in the state folder */

struct viv_test_folder;

/* "<state>/tests/<name>-<hash>": where the runs go that were started in this folder, each in one of its own. */
int viv_test_folder_place(const char *start, char **ret, struct viv_error *err);
/* A run of its own there, numbered; of the older ones the last few stay, and those that are being written. */
int viv_test_folder_new(const char *place, struct viv_test_folder **ret, struct viv_error *err);
/* The newest run there. ENOENT: none yet. */
int viv_test_folder_last(const char *place, char **ret, struct viv_error *err);

/*
 * The folder that the user names; it is made if it is not there. ENOTEMPTY: something is in it and
 * it is no results folder. The results of an earlier run go away, other people's files stay. EBUSY:
 * another process is at it.
 */
int viv_test_folder_open(const char *path, struct viv_test_folder **ret, struct viv_error *err);
void viv_test_folder_free(struct viv_test_folder *f);
VIV_DEFINE_CLEANUP(struct viv_test_folder, viv_test_folder_free)

const char *viv_test_folder_path(const struct viv_test_folder *f);
/*
 * Makes a test's own folder. *ret_name, the caller's, is made of the title: the same in each run,
 * another for each title (and another attempt: "-2" is added).
 */
int viv_test_folder_begin(struct viv_test_folder *f, const char *title, char **ret_name,
			  struct viv_error *err);
/* Before the first test: what counts for those that never get a result. */
int viv_test_folder_plan(struct viv_test_folder *f, const struct viv_test_results *planned,
			 struct viv_error *err);
/* Adds a line to results.jsonl: all of it or nothing. EFBIG: it would be too long to be read. */
int viv_test_folder_add(struct viv_test_folder *f, const struct viv_test_result *r,
			struct viv_error *err);
/* Writes results.tap and junit.xml of what results.jsonl has by now. */
int viv_test_folder_finish(struct viv_test_folder *f, struct viv_error *err);

/*
 * Reads a results folder, in whatever state: a last line that is not whole is left out; tests that
 * were planned and have no result are in it as such that could not be run. `unfinished`
 * (may be NULL) gets the folders of tests that have no result. ENOENT: it is no results folder.
 */
int viv_test_folder_read(const char *path, struct viv_test_results *ret,
			 struct viv_strv *unfinished, struct viv_error *err);
