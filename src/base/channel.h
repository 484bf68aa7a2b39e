/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How a child process reports to the one that started it: progress, a result, an error, over a pipe.
 * Both ends are one program, so nothing here is a format that lasts.
 */

#include "base/error.h"
#include "base/report.h"
#include "base/str.h"

struct viv_channel {
	struct viv_report report; /* first: hand out &channel.report in the child */
	int fd;
};

/* In the child. fd, the pipe's writing end, stays the caller's. */
void viv_channel_init(struct viv_channel *c, int fd);
/* In the child, last: what its work came to (0 or a negative errno); result and err may be NULL. */
void viv_channel_finish(struct viv_channel *c, int r, const struct viv_str *result,
			const struct viv_error *err);
/*
 * In the parent: reads to the end, passing things on. When `stop_fd` (may be -1) can be read from, EINTR. *ret_finished: viv_channel_finish was heard, and
 * then this returns what it said.
 */
int viv_channel_receive(int fd, int stop_fd, struct viv_report *report, struct viv_str *result,
			bool *ret_finished, struct viv_error *err);
