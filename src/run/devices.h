/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The machine's devices (qemu/devices.h): from the configuration to what QEMU is told, whether this host has
 * what they need, and the processes and files beside QEMU that they take.
 */

#include "config/config.h"
#include "qemu/machine.h"
#include "run/dir.h"
#include "run/wires.h"

/*
 * Fills m->devices; m->qemu is there already where it matters (a screen). The error names the option
 * and its line: what the host has not, or may not be opened, is said here.
 */
int viv_devices_make(const struct viv_config *config, struct viv_machine *m, struct viv_error *err);
/*
 * The same for a run script, which is in the store: nothing is asked of this host, a screen is
 * VIV_DISPLAY_OTHER, and there are no credentials.
 */
int viv_devices_make_for_script(const struct viv_config *config, struct viv_machine *m,
				struct viv_error *err);
/* The same, for before a build, which takes longer: nothing comes of it but the error. */
int viv_devices_check(const struct viv_config *config, const char *qemu, struct viv_error *err);
/*
 * Of a machine with a TPM and a disk that is kept: the TPM's state is kept beside it, in <disk>.tpm. fresh: it is
 * thrown away, as the disk is. For after the disks were added.
 */
int viv_devices_keep_tpm(const struct viv_config *config, bool fresh, struct viv_machine *m,
			 struct viv_error *err);
/* How many processors the machine has. */
unsigned viv_devices_cores(const struct viv_config *config);
/* The kernel's consoles, as parameters. */
void viv_devices_consoles(const struct viv_config *config, struct viv_strv *ret);

/* Paths below `folder` with `name` in front, for a command line that is only shown. */
void viv_devices_set_paths(struct viv_devices *d, const char *folder, const char *name);
/*
 * Before QEMU starts: swtpm, with its state in the machine's directory if that is not kept, the credentials' texts in
 * memory; the descriptors go to w. *ret_tpm: swtpm, to be reaped; 0: none was started.
 */
int viv_devices_start(struct viv_devices *d, const struct viv_machine_dir *dir, struct viv_wires *w,
		      pid_t *ret_tpm, struct viv_error *err);
/* What stands before QEMU where a command line is pasted; may be "". The caller frees it. */
char *viv_devices_before(const struct viv_devices *d);
