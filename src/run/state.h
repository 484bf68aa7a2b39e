/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A machine's state on its way between QEMU and a file of ours. QEMU is given one end of a pair of sockets and no path, nor
 * the file: so what it writes is bounded, a full disk is an error here, and no version of it minds (a migration to a
 * plain file by descriptor is on its way out there).
 */

#include "base/error.h"
#include "base/loop.h"

struct viv_state_transfer;

/*
 * It has come to its end. code: 0, the other end closed it (taken), or all of the file was sent (given); -EFBIG: more than
 * allowed; -EPIPE: QEMU wants no more of it, or is gone; else what the file said. Our end is closed. viv_state_free may be called here.
 */
typedef void (*viv_state_done_fn)(struct viv_state_transfer *t, int code, void *arg);

/* What comes from QEMU is written to `file`, from its beginning. *ret_theirs is the caller's. */
int viv_state_take(struct viv_loop *loop, int file, uint64_t max, viv_state_done_fn done, void *arg, int *ret_theirs,
		   struct viv_state_transfer **ret, struct viv_error *err);
/* The file's content, from its beginning, is sent to QEMU. */
int viv_state_give(struct viv_loop *loop, int file, viv_state_done_fn done, void *arg, int *ret_theirs,
		   struct viv_state_transfer **ret, struct viv_error *err);
uint64_t viv_state_bytes(const struct viv_state_transfer *t); /* so far */
/* Ends it if it goes on still, without a call. NULL is fine. */
void viv_state_free(struct viv_state_transfer *t);
VIV_DEFINE_CLEANUP(struct viv_state_transfer, viv_state_free)
