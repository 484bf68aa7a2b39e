/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A machine's networks while it runs (docs/networks.md): its devices opened, its segments joined, and
 * what its guest is told of them.
 */

#include "base/loop.h"
#include "qemu/machine.h"
#include "run/vlan.h"

struct viv_network;

struct viv_network_events {
	/* What the guest is told has changed: another machine joined a segment, or left. */
	void (*changed)(struct viv_network *n, void *arg);
	/* Something that a person should know, such as that a network is dead. */
	void (*warning)(struct viv_network *n, const char *text, void *arg);
	void *arg;
};

/*
 * Sets the descriptors and MACs of m's interfaces (qemu/nic.h); what is open then is m's, for
 * viv_wires_make. runtime: as viv_dir_runtime says. m->name is the machine's for the others.
 */
int viv_network_open(struct viv_loop *loop, struct viv_machine *m, const char *runtime,
		     const struct viv_network_events *events, struct viv_network **ret,
		     struct viv_error *err);
/* Leaves segments, ends helpers. NULL is fine. */
void viv_network_close(struct viv_network *n);

/*
 * docs/agent-protocol.md, Networks: at most one frame, so on segments with hundreds of machines some names
 * may be missing, of which a warning tells. The caller frees it; NULL: there is nothing to tell.
 */
char *viv_network_text(struct viv_network *n);

/* The machine's first interface on that segment; NULL: it has none. */
struct viv_vlan *viv_network_vlan(struct viv_network *n, unsigned vlan);
