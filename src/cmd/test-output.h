/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where `viv test` says things while tests run: no test waits for who reads them. What waits is bounded: then lines are
 * left out, consoles' first, and how many is said; results never are.
 */

#include "cmd/cmd.h"

enum viv_test_weight {
	VIV_TEST_CONSOLE, /* a machine's console */
	VIV_TEST_EVENT,	  /* what else happens */
	VIV_TEST_RESULT,
};

struct viv_test_output {
	struct viv_cmd *cmd;
	struct viv_writer *out, *err; /* NULL: straight to stdout; err may be the same */
	uint64_t left_out;	      /* lines that were, since the last one that was not */
};

/* The status line and warnings go the same way from now on. */
int viv_test_output_open(struct viv_test_output *o, struct viv_error *err);
/* One line or several, whole. */
void viv_test_output_add(struct viv_test_output *o, enum viv_test_weight weight, const struct viv_str *text);
/* Waits until all was read; not for long if `hurry`. May be called twice. */
void viv_test_output_close(struct viv_test_output *o, bool hurry);
