/* SPDX-License-Identifier: MIT */
#pragma once

/* From a configuration and what was built of it to a machine that QEMU can be given. */

#include "config/config.h"
#include "plan/plan.h"
#include "qemu/machine.h"

/* What the caller's environment and command line add. All may be NULL. */
struct viv_system_extra {
	const char *accel;	   /* over virtualisation.accel */
	const char *kernel;	   /* another kernel, nothing rebuilt */
	const char *kernel_params; /* words, last */
	const char *qemu_options;  /* words, last */
	const char *net_options;   /* of the user network */
	const char *disk_image;	   /* over virtualisation.diskImage; from the current folder */
	bool no_disk;		   /* nothing is made: a fresh disk's writes go to memory */
	bool fresh;  /* a kept disk is thrown away and made anew */
	bool rebase; /* one that was made on other layers is brought onto these */
	/* For the run script, which adds the machine's own disk and makes blank ones itself. Nothing
	 * of this host is looked at and nothing is made. */
	bool for_script;
};

/*
 * Can this host run it: is the QEMU there that the configuration names, what the machine's devices
 * need, and the memory? For before a build, which takes longer.
 */
int viv_system_check_host(const struct viv_config *config, struct viv_error *err);

/*
 * Chooses the accelerator (*ret_accel_why: one line, the caller's), finds QEMU, makes the machine's
 * disk. ret's contents are freed with viv_machine_free_contents; a fresh disk in it is an open
 * descriptor, which viv_vm_start takes over.
 */
int viv_system_machine(const struct viv_config *config, const struct viv_system *system,
		       const struct viv_system_extra *extra, struct viv_machine *ret,
		       char **ret_accel_why, struct viv_error *err);

/* What the guest's kernel and init are told (docs/boot.md), but for the consoles. upper: "memory", "disk", "none". */
void viv_system_kernel_params(const struct viv_machine *m, size_t n_layers, const char *upper,
			      struct viv_strv *ret);
/* Adds the layers' disks, lowest first, by the serials that the guest's init looks for. */
void viv_system_add_layers(struct viv_machine *m, const struct viv_strv *layers);
