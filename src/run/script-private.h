/* SPDX-License-Identifier: MIT */
#pragma once

#include "config/config.h"
#include "plan/plan.h"
#include "qemu/machine.h"

/* script.sh, embedded in the program. */
extern const char viv_script_body[];

/* script_shares.c: the host's folders, which the script gives the guest by QEMU's own 9p. */
struct viv_script_shares {
	bool has_9p; /* the kernel: else there are none */
	char *lines; /* of sharedDirectories, "TAG|SOURCE|TARGET|ro" or rw each; to be freed */
};
/* What the guest is told of them goes to m's parameters. */
void viv_script_add_shares(const struct viv_config *config, const struct viv_system *system,
			   struct viv_report *report, struct viv_machine *m,
			   struct viv_script_shares *ret);
