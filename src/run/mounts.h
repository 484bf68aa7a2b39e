/* SPDX-License-Identifier: MIT */
#pragma once

/* A machine's shares, mounted in its guest by the agent, one after the other. */

#include "qemu/machine.h"
#include "run/agent.h"

struct viv_mounts;

/* error: NULL, or which one could not be mounted, and why; the others after it were not tried. */
typedef void (*viv_mounts_done_fn)(const char *error, void *arg);
/* One that nobody asked for could not be mounted, and why; said once. It is marked as missing. */
typedef void (*viv_mounts_missing_fn)(const struct viv_share *s, const char *why, void *arg);

struct viv_mounts_events {
	viv_mounts_done_fn done;
	viv_mounts_missing_fn missing;
	void *arg;
};

/* NULL: m has no shares. Borrows m's, which must outlive it. */
struct viv_mounts *viv_mounts_new(struct viv_machine *m, const struct viv_mounts_events *events);
/*
 * Not while it is busy. Can be done again, for what the guest has hidden meanwhile by mounts of its
 * own. An agent that goes away before the end: `done` is not called.
 */
void viv_mounts_make(struct viv_mounts *ms, struct viv_agent *a);
bool viv_mounts_are_busy(const struct viv_mounts *ms); /* NULL: false */
void viv_mounts_free(struct viv_mounts *ms);
