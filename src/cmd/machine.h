/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The way of a machine that build, run, update and their like go, as far as each needs it: load (the
 * configuration, the store), plan, build, make (what QEMU is told). One step needs those before it.
 */

#include "cmd/cmd.h"
#include "cmd/guest.h"
#include "plan/plan.h"
#include "qemu/machine.h"
#include "run/share.h"
#include "run/system.h"

struct viv_cmd_machine {
	struct viv_config *config;	 /* from load on */
	struct viv_store *store;	 /* from load on */
	struct viv_guest_programs guest; /* from load on */
	struct viv_shares shares;	 /* from share on */
	struct viv_plan *plan;		 /* from plan on; its pin keeps what is in use */
	struct viv_system system;	 /* from build on */
	struct viv_machine machine;	 /* from make on */
};

/* What load does with a configuration that is there (m->config). */
int viv_cmd_machine_open(struct viv_cmd *cmd, struct viv_cmd_machine *m, struct viv_error *err);
/* The machine file is the command's first operand; its flags are VIV_CONFIG_FLAGS. */
int viv_cmd_machine_load(struct viv_cmd *cmd, const struct viv_args *args,
			 struct viv_cmd_machine *m, struct viv_error *err);
/* For machines that are started: what folders they get, by their flags VIV_SHARE_FLAGS. After load. */
int viv_cmd_machine_share(struct viv_cmd *cmd, const struct viv_args *args, struct viv_cmd_machine *m,
			  struct viv_error *err);
/* options' programs are filled in here. */
int viv_cmd_machine_plan(struct viv_cmd *cmd, struct viv_plan_options options,
			 struct viv_cmd_machine *m, struct viv_error *err);
int viv_cmd_machine_build(struct viv_cmd *cmd, struct viv_cmd_machine *m, struct viv_error *err);
/*
 * Where the command line said nothing, what the environment does (VIV_*, QEMU_*); there, empty is as
 * good as not set. Texts are the environment's.
 */
void viv_cmd_machine_environment(struct viv_system_extra *extra);
/* Says which accelerator was chosen, and why. */
int viv_cmd_machine_make(struct viv_cmd *cmd, const struct viv_system_extra *extra,
			 struct viv_cmd_machine *m, struct viv_error *err);
/* Fine at any step. */
void viv_cmd_machine_free_contents(struct viv_cmd_machine *m);
