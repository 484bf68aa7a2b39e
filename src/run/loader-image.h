/* SPDX-License-Identifier: MIT */
#pragma once

/* A boot loader's images, out of a machine's own packages. */

#include "plan/plan.h"
#include "store/store.h"

enum viv_loader_kind {
	VIV_LOADER_GRUB_BIOS,	 /* boot.img and core.img, made here */
	VIV_LOADER_GRUB_UEFI,	 /* BOOTX64.EFI, made here */
	VIV_LOADER_GRUB_SECURE,	 /* BOOTX64.EFI is shim, grubx64.efi Debian's GRUB, both signed */
	VIV_LOADER_SYSTEMD_BOOT, /* BOOTX64.EFI */
};

/*
 * An object with the files of the kind. *ret_id is the caller's. ENOENT: the machine's layers have no
 * such loader.
 */
int viv_loader_image_build(struct viv_store *store, const struct viv_system *system,
			   enum viv_loader_kind kind, struct viv_report *report, char **ret_id,
			   struct viv_error *err);
