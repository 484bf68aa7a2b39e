/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads the results of tests in a command's output or a kernel's log, as it comes: KTAP (the kernel's
 * Documentation/dev-tools/ktap.rst), TAP 13 and 14 (testanything.org), and what kselftest and KUnit make of
 * them:
 *
 *	- subtests are indented by blanks, however many, or stand behind "# ", as kselftest's runner
 *	  puts the output of its programs; their parent's line comes after them
 *	- lines of a kernel's log have a time stamp, "[    1.234567] "
 *	- SKIP, TODO, XFAIL, TIMEOUT, ERROR behind a "#"; "exit=1" and the like there are a reason
 *	- several documents can follow one another
 *
 * Other lines may stand between and mean nothing. A test of which a subtest failed has failed; so has
 * one with other than the planned number of subtests, and one that never came to its result.
 * Whatever comes, it is bounded: see result.h, and VIV_KTAP_*.
 */

#include "test/result.h"

#define VIV_KTAP_LINE_MAX   VIV_TEST_TEXT_MAX /* bytes of a line that are looked at */
#define VIV_KTAP_LEVELS_MAX VIV_TEST_DEPTH_MAX /* lines that are further in mean nothing */

struct viv_ktap;

struct viv_ktap_summary {
	bool found; /* it was TAP: a version or a plan; else all the rest is empty */
	enum viv_verdict verdict; /* PASS, FAIL; SKIP: all of it was skipped */
	char *reason;		  /* one line; NULL: it passed */
	size_t passed, failed, skipped; /* tests without subtests of their own */
	struct viv_test_subtests subtests;
};

void viv_ktap_summary_free_contents(struct viv_ktap_summary *s);

struct viv_ktap *viv_ktap_new(void);
void viv_ktap_free(struct viv_ktap *k);
VIV_DEFINE_CLEANUP(struct viv_ktap, viv_ktap_free)

void viv_ktap_feed(struct viv_ktap *k, const void *data, size_t len);
/* The end of the output. Nothing can be fed after it; *ret is replaced, free its contents. */
void viv_ktap_finish(struct viv_ktap *k, struct viv_ktap_summary *ret);
