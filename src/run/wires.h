/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What connects us with a QEMU: a pair of sockets for its monitor, the agent's port and the console,
 * a pipe for its stderr, and the open disks that it inherits. Connected before QEMU starts, so there
 * is nothing to wait for and no path that somebody else could open.
 */

#include "base/error.h"
#include "qemu/machine.h"

#define VIV_WIRES_MAX 96 /* descriptors handed to QEMU */

struct viv_wires {
	int keep[VIV_WIRES_MAX]; /* become 3, 4, … in QEMU */
	size_t n_keep;
	int errors_out;			  /* QEMU's stderr */
	int qmp, agent, console, errors; /* our ends; errors is non-blocking */
	int shared;			 /* the shared memory; -1: this host has none to give */
};

#define VIV_WIRES_INIT                                                                             \
	((struct viv_wires){                                                                       \
		.errors_out = -1, .qmp = -1, .agent = -1, .console = -1, .errors = -1, .shared = -1})

/*
 * Sets m's channels, and takes over the descriptors of drives without a file, which become QEMU's
 * numbers. On failure, too, viv_wires_close is the caller's.
 */
int viv_wires_make(struct viv_machine *m, struct viv_wires *w, struct viv_error *err);
/* Takes over a connected socket, which becomes the channel's. E2BIG: QEMU has too many already. */
int viv_wires_hand_over(struct viv_wires *w, int fd, struct viv_channel *channel,
			struct viv_error *err);
/* Closes what is QEMU's, once it has it: else we would never see it end. */
void viv_wires_close_theirs(struct viv_wires *w);
/* Closes all that is left. */
void viv_wires_close(struct viv_wires *w);
