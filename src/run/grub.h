/* SPDX-License-Identifier: MIT */
#pragma once

/* GRUB's images, made by a machine's own packages. */

#include "plan/plan.h"
#include "store/store.h"

/*
 * An object with BOOTX64.EFI, or, for a BIOS, boot.img and core.img. *ret_id is the caller's. ENOENT:
 * the machine's layers have no GRUB.
 */
int viv_grub_build(struct viv_store *store, const struct viv_system *system, bool efi,
		   struct viv_report *report, char **ret_id, struct viv_error *err);
