/* SPDX-License-Identifier: MIT */
#pragma once

/* The disks that the options name beside the machine's own: made or opened, and added to it. */

#include "config/config.h"
#include "qemu/machine.h"

/*
 * dry: nothing is made or held; blank disks forget what is written to them. Errors begin
 * with the option and its place.
 */
int viv_disks_add(const struct viv_config *config, bool dry, struct viv_machine *m,
		  struct viv_error *err);
/* Is a QEMU's disk of that kind: virtualisation.qemu.diskInterface. */
enum viv_drive_interface viv_disks_default_interface(const struct viv_config *config);
