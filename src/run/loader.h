/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A machine that starts through its boot loader (docs/boot.md): a boot disk with GRUB, the kernel, the
 * initrd and their parameters, as an object in the store. GRUB is made by the grub-mkimage that is in the
 * machine's own layers, in the sandbox.
 */

#include "config/config.h"
#include "plan/plan.h"
#include "qemu/machine.h"
#include "store/store.h"

/* Has this host what makes a boot disk, if one is wanted? The error names the option and its place. */
int viv_loader_check(const struct viv_config *config, struct viv_error *err);
/*
 * Puts what m would hand to QEMU (kernel, initrd, parameters) on a boot disk, which becomes its first
 * drive to start from; m's firmware says for which firmware. EINVAL: with Secure Boot, a kernel
 * without a signature. *ret_id: the boot disk's, the caller's;
 * pinned until the store is closed.
 */
int viv_loader_apply(struct viv_store *store, const struct viv_config *config,
		     const struct viv_system *system, struct viv_report *report,
		     struct viv_machine *m, char **ret_id, struct viv_error *err);
