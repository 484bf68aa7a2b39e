/* SPDX-License-Identifier: MIT */
#pragma once

/* What `viv run` is about to do; run.c, and run-detached.c for --detach. */

#include "cmd/machine.h"
#include "run/session.h"

struct run {
	struct viv_cmd *cmd;
	const struct viv_args *args;
	struct viv_cmd_machine m;
	struct viv_session_spec spec;
	json_t *about; /* the spec's */
};

/* All that comes before the start. */
int viv_run_prepare(struct run *run, struct viv_error *err);
/* Fine at any step. */
void viv_run_free_contents(struct run *run);

/* The exit status, or a negative errno. Nothing of run is prepared yet. */
int viv_run_detached(struct run *run, struct viv_error *err);
