/* SPDX-License-Identifier: MIT */
#pragma once

/* A line of KTAP by itself (ktap.h): what it is and how far in it stands. Private to ktap.c and its test. */

#include "test/result.h"

enum ktap_kind {
	KTAP_OTHER,   /* empty, or nothing to us */
	KTAP_COMMENT, /* text: behind the "#" */
	KTAP_VERSION,
	KTAP_PLAN,    /* number; text: the reason to skip all, where it is 0 */
	KTAP_POINT,
	KTAP_BAIL,    /* text: why */
	KTAP_HEADER,  /* "# Subtest: text" */
	KTAP_YAML,    /* "---" */
};

struct ktap_line {
	enum ktap_kind kind;
	unsigned hashes, indent; /* "# " in front; then blanks */
	uint64_t number;	 /* 0: a point without one */
	struct viv_slice text;	 /* of a point: its description, still escaped */
	struct viv_slice data;	 /* of a point: behind the directive, still escaped */
	enum viv_verdict verdict;
	bool expected; /* it failed, as was expected */
};

/* Points into `line`, which has neither end nor NUL. */
void viv_ktap_line(struct viv_slice line, struct ktap_line *ret);
/* "\#" and "\\" are what they stand for. The caller frees it. */
char *viv_ktap_unescape(struct viv_slice text);
