/* SPDX-License-Identifier: MIT */
#pragma once

/* From the options of networks to a machine's interfaces (docs/networks.md). */

#include "config/config.h"
#include "qemu/machine.h"

/*
 * Adds the interfaces to m, with what the guest is told of them. net_options: more of the user network's,
 * or NULL. Errors name the option's place.
 */
int viv_nics_add(const struct viv_config *config, const char *net_options, struct viv_machine *m,
		 struct viv_error *err);

/* Has this host what the kinds of networks need? For before a build; errors as above. */
int viv_nics_check_host(const struct viv_config *config, struct viv_error *err);

/* The one whose ports can be forwarded: QEMU's user network, or passt's. NULL: there is none. */
struct viv_nic *viv_nics_user(const struct viv_machine *m);

/* Can each forwarded port of the host be had? EADDRINUSE, EACCES; EINVAL: QEMU_NET_OPTS has a wrong one. */
int viv_nics_check_ports(const struct viv_config *config, const struct viv_machine *m,
			 struct viv_error *err);

/* The ports that lead into the guest, as --forward takes them: ["2222:22"]. The caller owns it. */
json_t *viv_nics_ports(const struct viv_machine *m);

/* Is one of them QEMU's user network as every guest's agent knows it (viv.network=user)? */
bool viv_nics_have_plain_user(const struct viv_machine *m);
