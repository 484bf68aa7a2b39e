/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is wrong with the units among the files of the etc layer, whoever wrote them: options of
 * systemd.*, environment.etc, viv itself. Inside plan/ only.
 */

#include "plan/etc.h"

/*
 * Is it a unit ("etc/systemd/system/x.service") or a part of one ("…/x.service.d/y.conf")? *ret_unit is its
 * name, the caller's, *ret_type its ending (".service"), borrowed from that.
 */
bool viv_unit_of_file(const struct viv_etc_file *f, char **ret_unit, const char **ret_type);

/*
 * Lines that systemd would pass over, and orderings that go round in a circle: EINVAL with the place.
 * `placed`: it is known which units change one of a package's (viv_etc_place_units); to the others
 * systemd adds orderings of its own, which then count, too.
 */
int viv_units_check(const struct viv_etc *etc, const struct viv_config *config, bool placed,
		    struct viv_error *err);

/* unit_order.c: the second half of it. */
int viv_units_check_order(const struct viv_etc *etc, const struct viv_config *config, bool placed,
			  struct viv_error *err);

/*
 * unit_partners.c: timers and sockets of the options whose service is nowhere, and units that require what is nowhere
 * or masked. EINVAL with the place. Units are placed.
 */
int viv_units_check_partners(const struct viv_etc *etc, const struct viv_manifests *layers,
			     const struct viv_config *config, struct viv_error *err);
