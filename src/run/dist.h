/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * viv build -t dist: a machine as four files that boot without anything of vivarium (docs/artifacts.md):
 *	kernel		the bzImage
 *	initrd
 *	root.squashfs	the whole root, for a disk with the serial viv-layer-0
 *	command-line	what the kernel is to be told, one line
 */

#include "config/config.h"
#include "plan/plan.h"
#include "store/store.h"

/* Can it be done? EINVAL: the root is of several images (system.root). */
int viv_dist_check(const struct viv_config *config, struct viv_error *err);
/* Makes the object, a folder of whole files. The caller frees *ret_id. It is pinned until the store is closed. */
int viv_dist_build(struct viv_store *store, const struct viv_config *config,
		   const struct viv_system *system, struct viv_report *report, char **ret_id,
		   struct viv_error *err);
