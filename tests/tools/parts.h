/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A machine from explicit parts, for tools that boot one without packages or a store:
 *
 *	KERNEL INITRD LAYER.erofs… [viv.init=… or other kernel parameters] [--disk MIB] [--mem MIB]
 *	[--smp N] [--ports N] [--net] [--pty] [--console] [--timeout MS] -- CMD…
 */

#include "run/session.h"
#include "run/vm.h"

struct boot {
	struct viv_machine machine;
	struct viv_strv layers, params;
	const char *upper;
	struct viv_session_spec spec;
	/* While boot_run runs. */
	struct viv_loop *loop;
	struct viv_vm *vm;
};

#define BOOT_INIT                                                                                  \
	((struct boot){                                                                            \
		.machine = {.memory_mib = 512, .cores = 1, .spare_ports = 4},                      \
		.upper = "memory",                                                                 \
		.spec = {.dir = VIV_MACHINE_DIR_INIT,                                              \
			 .name = "boot",                                                           \
			 .out_fd = 1,                                                              \
			 .err_fd = 2,                                                              \
			 .fail_on = VIV_TROUBLE_ON_DEFAULT},                                       \
	})

/* Fills in b from the command line, and the machine with it. */
int boot_parse(struct boot *b, char **argv, struct viv_error *err);
#define BOOT_LIMIT_MS 300000

/* Boots it and runs its loop until a callback quits that or BOOT_LIMIT_MS are over (-ETIMEDOUT); the machine is gone then. */
int boot_run(struct boot *b, const struct viv_vm_events *events, struct viv_error *err);
void boot_free_contents(struct boot *b);
