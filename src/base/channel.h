/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How a child process reports to the one that started it: progress, a result, an error, over a pipe.
 * Both ends are one program, so nothing here is a format that lasts.
 */

#include "base/error.h"
#include "base/report.h"
#include "base/str.h"

#include <sys/types.h>

struct viv_child_channel {
	struct viv_report report; /* first: hand out &channel.report in the child */
	int fd;
	bool finished;
};

/* In the child. fd, the pipe's writing end, stays the caller's. */
void viv_channel_init(struct viv_child_channel *c, int fd);
/* In the child, last: what its work came to (0 or a negative errno); result and err may be NULL. */
void viv_channel_finish(struct viv_child_channel *c, int r, const struct viv_str *result,
			const struct viv_error *err);
/*
 * Starts a child that gets SIGTERM when we end; fn runs in it, and what it returns and leaves in *result
 * is what the child's work comes to, unless it has finished the channel before. *ret_fd is the reading end.
 */
typedef int (*viv_channel_fn)(struct viv_child_channel *c, struct viv_str *result, void *arg,
			      struct viv_error *err);
int viv_channel_fork(viv_channel_fn fn, void *arg, pid_t *ret_pid, int *ret_fd,
		     struct viv_error *err);
/*
 * In the parent: reads to the end, passing things on. When `stop_fd` (may be -1) can be read from, EINTR. *ret_finished: viv_channel_finish was heard, and
 * then this returns what it said.
 */
int viv_channel_receive(int fd, int stop_fd, struct viv_report *report, struct viv_str *result,
			bool *ret_finished, struct viv_error *err);
