/* SPDX-License-Identifier: MIT */
#pragma once

/* A machine's networks as its guest is told of them (docs/networks.md, docs/agent-protocol.md). */

#include "plan/plan.h"
#include "qemu/machine.h"

/* NULL: there is nothing to tell. The caller frees it. */
char *viv_network_text(const struct viv_machine *m, const struct viv_system *system);
