/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Work that begins in the foreground and, once it is well under way, goes on in the background: it is
 * done by a child of ours, whose reports and errors are ours until it leaves. Until then it shares our
 * terminal and our signals, and ends when we do.
 */

#include "base/channel.h"

/*
 * Returns, in the parent, when the child has left or fn has returned: fn's value, 0 if it left. result
 * is added to.
 */
int viv_detach(viv_channel_fn fn, void *arg, struct viv_report *report, struct viv_str *result,
	       struct viv_error *err);

/*
 * A child of ours that stays when we go: a session of its own, without the terminal and without whatever
 * descriptors our caller left open; stdout and stderr go to the file `log`.
 */
void viv_detach_stay(const char *log);
/*
 * Called by fn: into the background, in a session of its own, without the terminal and without
 * whatever descriptors our caller left open; stdout and stderr go to the file `log`. `result` is what
 * the parent gets. Reports are dropped from here on.
 */
void viv_detach_leave(struct viv_child_channel *c, const struct viv_str *result, const char *log);
