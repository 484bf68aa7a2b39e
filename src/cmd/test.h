/* SPDX-License-Identifier: MIT */
#pragma once

/* What `viv test` shows while tests run. */

#include "cmd/cmd.h"
#include "test/driver.h"

struct viv_test_log {
	struct viv_cmd *cmd;
	bool live;    /* everything, as it happens; else a line for each test, and more of what went wrong */
	bool colours;
	size_t n, done; /* tests; how many have ended */
	unsigned counts[VIV_VERDICT_COUNT];
	int64_t begun; /* viv_now_ms */
};

void viv_test_log_begin(struct viv_test_log *log, const struct viv_test_case *c, unsigned attempt);
void viv_test_log_event(struct viv_test_log *log, const struct viv_test_case *c, const json_t *event);
void viv_test_log_end(struct viv_test_log *log, const struct viv_test_result *r, bool final);
/* "3 passed, 1 failed": the last line. */
void viv_test_log_summary(struct viv_test_log *log);
