/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A piece of work in a process of its own, beside ours: what it says and how it ended reach us when
 * we wait for it. It is sent SIGTERM when we end. Waiting can be interrupted: EINTR, see base/hold.h.
 */

#include "base/error.h"
#include "base/report.h"

struct viv_worker;

/* Runs in the child, which has a copy of everything but must share no open connection or lock. */
typedef int (*viv_worker_fn)(void *arg, struct viv_report *report, struct viv_error *err);

int viv_worker_start(viv_worker_fn fn, void *arg, struct viv_worker **ret, struct viv_error *err);
/* Passes its report on, returns what fn returned. Frees w. */
int viv_worker_wait(struct viv_worker *w, struct viv_report *report, struct viv_error *err);
/* Kills it and what it started. Frees w; NULL is fine. */
void viv_worker_kill(struct viv_worker *w);
VIV_DEFINE_CLEANUP(struct viv_worker, viv_worker_kill)
