/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * For the tests of the guest's watches: guest/watch.c itself, what it uses of the rest of the agent, and a watch to
 * look with. A test includes the sources of the kinds that it looks at, and has NOT_HERE of the others.
 */

#include "unit.h"

#include "../../guest/watch.c"

#include "base/fd.h"

void close_fd(int *fd)
{
	*fd = viv_close(*fd);
}

void child_reset_signals(void)
{
}

void child_close_others(unsigned first)
{
}

#define NOT_HERE(fn) \
	int fn(struct watch *w) \
	{ \
		return ENOSYS; \
	}
NOT_HERE(watch_file_begin)
NOT_HERE(watch_file_look)
NOT_HERE(watch_no_file_look)
NOT_HERE(watch_unix_begin)
NOT_HERE(watch_unix_look)
NOT_HERE(watch_unit_begin)
NOT_HERE(watch_unit_look)
NOT_HERE(watch_tty_begin)
NOT_HERE(watch_tty_look)

static struct watch the_watch;
static const char *words[3];

/* A new one; its words, of which the last may be NULL. */
static int begin(enum agent_init init, const char *const w[3], int (*fn)(struct watch *w))
{
	free(the_watch.own);
	memcpy(words, w, sizeof(words));
	the_watch = (struct watch){.init = init, .words = words, .n = w[2] ? 3 : 2, .pause_ms = -1, .idle_ms = -1};
	return fn(&the_watch);
}

/* One look, as wait_for makes it. True: it has asked for a pause. */
static VIV_UNUSED bool pauses_after(int (*look)(struct watch *w), int code)
{
	the_watch.pausing = false;
	assert_int_equal(look(&the_watch), code);
	return the_watch.pausing;
}
