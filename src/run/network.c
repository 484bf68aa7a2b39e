/* SPDX-License-Identifier: MIT */
#include "run/network.h"

#include "proto/proto.h"

char *viv_network_text(const struct viv_machine *m, const struct viv_system *system)
{
	VIV_STR s = VIV_STR_INIT;

	if (!m->network)
		return NULL;
	viv_str_add(&s, VIV_PROTO_USER_NETWORK);
	for (size_t i = 0; i < system->mirrors.count; i++)
		viv_str_addf(&s, "mirror %s\n", system->mirrors.items[i]);
	return viv_str_steal(&s);
}
