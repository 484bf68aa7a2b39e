/* SPDX-License-Identifier: MIT */
#pragma once

/* Devices of the host's that need no root: taps that belong to the user, QEMU's bridge helper, passt. */

#include "qemu/nic.h"
#include "base/error.h"

#include <sys/types.h>

/* An open tap. ENODEV: no such device; EPERM: not the user's; EBUSY: another machine has it. */
int viv_tap_open(const char *device, int *ret_fd, struct viv_error *err);
/* Is there such a device? ENODEV. */
int viv_tap_check(const char *device, struct viv_error *err);
/* Is there such a bridge, and what opens it; is passt there? ENODEV, ENOENT. */
int viv_bridge_check(const char *bridge, struct viv_error *err);
int viv_passt_check(struct viv_error *err);
/* A new tap in that bridge; it goes when it is closed. */
int viv_bridge_open(const char *bridge, int *ret_fd, struct viv_error *err);
/* The helper's path, or NULL. The caller frees it. */
char *viv_bridge_helper(void);
/*
 * passt with a stream of frames for QEMU; it ends when that does, or with us. *ret_said, the caller's, is
 * a pipe that has what it said on stderr: ours may be a pipe whose reader waits for its end.
 */
int viv_passt_start(const struct viv_nic *nic, int *ret_fd, int *ret_said, pid_t *ret_pid,
		    struct viv_error *err);
