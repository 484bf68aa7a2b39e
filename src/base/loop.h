/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One event loop (epoll) for one thread: descriptors, deadlines, children, signals. Callbacks may
 * add and remove any source, their own too. A callback's negative result ends viv_loop_run with it.
 */

#include "base/error.h"

#include <sys/epoll.h>
#include <sys/types.h>

struct viv_loop;
struct viv_source; /* owned by the loop until viv_source_remove; dies with it */

typedef int (*viv_io_fn)(struct viv_source *s, int fd, uint32_t events, void *arg);
typedef int (*viv_timer_fn)(struct viv_source *s, void *arg);
typedef int (*viv_child_fn)(struct viv_source *s, pid_t pid, int status, void *arg);
typedef int (*viv_signal_fn)(struct viv_source *s, int signo, void *arg);

int viv_loop_new(struct viv_loop **ret, struct viv_error *err);
void viv_loop_free(struct viv_loop *loop);
VIV_DEFINE_CLEANUP(struct viv_loop, viv_loop_free)

/*
 * *ret may be NULL everywhere. fd stays the caller's; remove the source before closing it. Regular
 * files and /dev/null, which epoll refuses, count as always ready.
 */
int viv_loop_add_io(struct viv_loop *loop, int fd, uint32_t events, viv_io_fn fn, void *arg,
		    struct viv_source **ret, struct viv_error *err);
/* Once, after `ms` milliseconds; the source is removed before fn is called. */
int viv_loop_add_timer(struct viv_loop *loop, int64_t ms, viv_timer_fn fn, void *arg,
		       struct viv_source **ret, struct viv_error *err);
/* When the child has ended; it is reaped and the source removed before fn is called. */
int viv_loop_add_child(struct viv_loop *loop, pid_t pid, viv_child_fn fn, void *arg,
		       struct viv_source **ret, struct viv_error *err);
/* Blocks the signal for the thread and delivers it here; unblocked when the source goes. */
int viv_loop_add_signal(struct viv_loop *loop, int signo, viv_signal_fn fn, void *arg,
			struct viv_source **ret, struct viv_error *err);

int viv_source_set_events(struct viv_source *s, uint32_t events, struct viv_error *err);
void viv_source_remove(struct viv_source *s); /* NULL is fine */
struct viv_loop *viv_source_loop(struct viv_source *s);

/* Runs callbacks until viv_loop_quit, a negative result, or no source is left (-ENODATA). */
int viv_loop_run(struct viv_loop *loop, struct viv_error *err);
void viv_loop_quit(struct viv_loop *loop, int result);

/* Milliseconds of the monotonic clock. */
int64_t viv_now_ms(void);
