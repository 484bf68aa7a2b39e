/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a boot loader reads from the disk that it starts from: GRUB's /boot/grub/grub.cfg, or the files of
 * systemd-boot as the Boot Loader Specification has them (loader.conf(5),
 * https://uapi-group.org/specifications/specs/boot_loader_specification/). The kernel is /boot/kernel, the
 * initrd /boot/initrd.
 */

#include "base/json.h"
#include "base/report.h"
#include "base/str.h"
#include "config/config.h"

#define VIV_LOADER_MENU_FILES 2

struct viv_loader_menu {
	struct {
		const char *path; /* on the file system */
		struct viv_str text;
	} files[VIV_LOADER_MENU_FILES];
	size_t n_files;
};

/* Warns of parameters that the loader can't hand over as they are. */
void viv_loader_menu_write(const struct viv_config *config, const struct viv_strv *kernel_params,
			   struct viv_report *report, struct viv_loader_menu *ret);
/* {path: text}. The caller owns it. */
json_t *viv_loader_menu_describe(const struct viv_loader_menu *m);
void viv_loader_menu_free(struct viv_loader_menu *m);
