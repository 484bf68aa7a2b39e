/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How long tests took from when their machines were built, kept in a file: {"title": milliseconds, …}. What is built comes once,
 * and for whoever is first: it says nothing about the next run. By it the longest go first, so that
 * the last one does not run alone, and shards take equally long.
 *
 * Shards split by the file, so none of them may change it: each writes FILE.I-of-N beside it, and a run
 * of all tests takes those in.
 */

#include "test/result.h"

struct viv_test_durations {
	json_t *map; /* title: ms; NULL: nothing is known */
};

#define VIV_TEST_DURATIONS VIV_CLEANUP(viv_test_durations_free) struct viv_test_durations

void viv_test_durations_free(struct viv_test_durations *d); /* its contents */
/* No such file: nothing is known. */
int viv_test_durations_read(const char *path, struct viv_test_durations *ret,
			    struct viv_error *err);
/* With what shards have left beside it, which counts more. */
int viv_test_durations_read_all(const char *path, struct viv_test_durations *ret,
				struct viv_error *err);
/* "FILE.2-of-4": what a shard writes. The caller's. */
char *viv_test_durations_part(const char *path, unsigned shard, unsigned shards);
/*
 * Writes what these tests took into the file, beside what it has of others (of this moment: somebody
 * else may have written), and takes in what shards have left beside it: those files go. Not of tests
 * that were skipped or did not get to the test itself. The file's folder is locked meanwhile.
 */
int viv_test_durations_merge(const char *path, const struct viv_test_results *list,
			     struct viv_error *err);

/* Negative: not known. */
int64_t viv_test_duration(const struct viv_test_durations *d, const char *title);

/*
 * An order for n tests, longest first; those that are not known count as the mean of all known ones,
 * equal ones stay in the order given. ret_order: n places of theirs.
 */
void viv_test_order(const char *const *titles, size_t n, const struct viv_test_durations *d,
		    size_t *ret_order);
/*
 * Which tests belong to a shard (1 to shards): every test to exactly one, as equally as may be. All
 * shards must be given the same titles and durations. ret_mine: n.
 */
void viv_test_shard(const char *const *titles, size_t n, const struct viv_test_durations *d,
		    unsigned shard, unsigned shards, bool *ret_mine);
