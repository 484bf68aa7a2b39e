/* SPDX-License-Identifier: MIT */
#pragma once

/* The last step before a start: from what was built to all that QEMU is told. */

#include "base/report.h"
#include "run/share.h"
#include "run/system.h"

/*
 * As viv_system_machine, with the boot loader's disk and the shares, of which those that the machine gets
 * are moved to it.
 */
int viv_make_machine(struct viv_store *store, const struct viv_config *config, struct viv_system *system,
		     struct viv_shares *shares, const struct viv_system_extra *extra, struct viv_report *report,
		     struct viv_machine *ret, char **ret_accel_why, struct viv_error *err);
