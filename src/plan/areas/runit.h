/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * system.init = "runit": what other areas write for it. A machine on runit goes through three stages, the
 * scripts /etc/runit/1, 2 and 3; docs/artifacts.md describes them.
 */

#include "plan/area.h"

struct viv_runit_service {
	const char *name;
	const char *run, *finish, *log; /* scripts; NULL or "": none (run: needed). A shell's without a #! line */
	bool down; /* only started by hand: sv start NAME */
};

/* A service's folder, /etc/sv/NAME, and that it is started. `option` as for viv_etc_add_text. */
void viv_runit_add_service(struct viv_etc *etc, const char *option, const struct viv_runit_service *s);

/*
 * Something that is done once at boot, before all services: a piece of a POSIX shell's script, run in a shell
 * of its own that ends at the first command which fails, in the order of the names: 10-… what protects the
 * machine, 20-… what is made at first boot, 30-… swap, 50-… what users say, which may take for ever. That one fails
 * is said on the console and by `viv run`, and the next is run. One that fails and has made the file VIV_RUNIT_END
 * ends the machine, before any service is started.
 */
#define VIV_RUNIT_BOOT_SERVICES "50"
#define VIV_RUNIT_END "/run/runit/end"
void viv_runit_add_boot(struct viv_etc *etc, const char *option, const char *name, const char *text);

/* systemd.services, as far as that can be (runit-units.c). */
int viv_runit_add_units(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err);

/* Things to be made at first boot (areas/first-boot.c). */
void viv_runit_add_first_boot(struct viv_etc *etc);
