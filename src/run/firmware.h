/* SPDX-License-Identifier: MIT */
#pragma once

/* What starts a machine, and from what: its firmware, its boot order (docs/boot.md). */

#include "config/config.h"
#include "qemu/machine.h"

/* Is the system on the machine's disk or ISO none of ours? Then nothing of Debian is built. */
bool viv_firmware_is_foreign(const struct viv_config *config);
/* Does the machine start through its boot loader? */
bool viv_firmware_uses_loader(const struct viv_config *config);

/*
 * Are the files there that the options name, and the firmware? For before a build, which takes longer. Errors
 * begin with the option and its place, here and below.
 */
int viv_firmware_check(const struct viv_config *config, struct viv_error *err);
/* The UEFI firmware that this host has, with Secure Boot or without; NULL: none is known. */
const char *viv_firmware_known(bool secure);
/* The name of a kept disk's UEFI variables, after the disk's. */
const char *viv_firmware_variables_suffix(const struct viv_config *config);
/*
 * Sets m's firmware, after its drives were added, and the order in which it looks at them. dry:
 * nothing is made; UEFI's variables are then the template, if none were kept.
 * fresh: variables that were kept are made anew.
 */
int viv_firmware_make(const struct viv_config *config, bool dry, bool fresh, struct viv_machine *m,
		      struct viv_error *err);
/*
 * For a command line that is only shown: what stands before it, may be "", so that UEFI's variables are a copy, below
 * `folder` with `name` in front. The caller frees it.
 */
char *viv_firmware_before(struct viv_firmware *f, const char *folder, const char *name);
