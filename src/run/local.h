/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Descriptors of the caller's (its stdin, its stdout) made ready to be waited for without blocking,
 * and without a change that others who hold them would notice. Private to this folder.
 */

#include "base/loop.h"
#include "base/str.h"

struct local {
	int fd;		 /* -1: none */
	int theirs;	 /* the caller's; equal to fd unless it was opened anew */
	int restore;	 /* flags that it gets back; -1: none */
	bool socket;	 /* written to with MSG_DONTWAIT: its flags are left alone */
	uint32_t events; /* that are watched; 0: nothing is */
	struct viv_source *source;
};

/* fd -1 gives one that is closed. */
void local_open(struct local *l, int fd, bool write);
void local_close(struct local *l);
/* Watches for events, or for nothing (0). */
int local_watch(struct local *l, struct viv_loop *loop, uint32_t events, viv_io_fn fn, void *arg,
		struct viv_error *err);

/* One that is written to, and what it has not taken yet. */
struct sink {
	struct local local;
	struct viv_str pending; /* from pending_at on */
	size_t pending_at;
	bool closed; /* it failed, or nobody reads it any more: what comes is dropped */
};

void sink_open(struct sink *s, int fd);
/* Gives the descriptor back and drops what waits. */
void sink_close(struct sink *s);
/* Nothing more is written: what waits is dropped, the descriptor is kept. */
void sink_shut(struct sink *s);
/*
 * Both write what the descriptor takes now and return how many bytes these were; the rest waits
 * (then watch for EPOLLOUT, and flush). *ret_code: 0, or a positive errno: the sink is shut.
 */
size_t sink_write(struct sink *s, const char *data, size_t len, int *ret_code);
size_t sink_flush(struct sink *s, int *ret_code);
bool sink_is_empty(const struct sink *s);
