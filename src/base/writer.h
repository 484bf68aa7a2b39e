/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writes to a descriptor that somebody reads as he likes (a terminal that Ctrl-S holds, a pipe) in a thread of its own:
 * who has something to say never waits for him. The descriptor's flags stay as they are, for others have it as well.
 */

#include "base/error.h"

struct viv_writer;

/* fd is borrowed, until the process ends: see viv_writer_free. */
int viv_writer_new(int fd, struct viv_writer **ret, struct viv_error *err);
/*
 * To be called after viv_writer_flush: what is not written yet is lost, but for what a write that has begun takes, which
 * goes on without us for as long as nobody reads. NULL is fine.
 */
void viv_writer_free(struct viv_writer *w);
VIV_DEFINE_CLEANUP(struct viv_writer, viv_writer_free)
/*
 * Copies all of it, or nothing: then false, because more than `room` bytes wait to be written; 0: any number may. After
 * a write that failed all is taken, and lost.
 */
bool viv_writer_add(struct viv_writer *w, const void *data, size_t len, size_t room);
/*
 * Waits until all is written, at most so long (negative: as long as it takes). -ETIMEDOUT; what the first write that
 * failed came to (-EPIPE: nobody reads any more).
 */
int viv_writer_flush(struct viv_writer *w, int timeout_ms);
