/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Ctrl-C that leaves nothing behind. While held, SIGINT, SIGTERM and SIGHUP wait instead of ending
 * us (not those that are ignored: they stay so); `fd` can be read from when one came. It is only looked
 * at, never taken: whoever waits for something long gives that up and returns -EINTR, callers clean up
 * as after any failure, and main unblocks the signals at the end, which then end us as they would have.
 */

#include "base/util.h"

#include <signal.h>

struct viv_hold {
	int fd;
	sigset_t before;
};

/* As with nohup: then nothing of ours takes it, an event loop neither. */
bool viv_signal_is_ignored(int signo);

/* Holds nest. */
void viv_hold_begin(struct viv_hold *h);
/* `interrupted`: the signals stay held, for those who clean up. */
void viv_hold_end(struct viv_hold *h, bool interrupted);
/* A signal that came meanwhile and will end us; 0: none. */
int viv_hold_pending(void);
/* In main, last. */
void viv_hold_let_through(void);
