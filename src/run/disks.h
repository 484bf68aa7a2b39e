/* SPDX-License-Identifier: MIT */
#pragma once

/* A machine's disks beside its layers: its own, and those that the options name. */

#include "run/system.h"

#define VIV_DISK_OWN "viv-disk" /* the serial of a machine's own */

/*
 * Makes or opens them, adds them to m. With extra's no_disk and for_script nothing is made or held;
 * blank disks then forget what is written to them, or are parts of the script's descriptor 3.
 * Errors begin with the option and its place.
 */
int viv_disks_add(const struct viv_config *config, const struct viv_system_extra *extra,
		  struct viv_machine *m, struct viv_error *err);

/* Before the build: what would be wrong with the images that are to be there, and with names of disks. */
int viv_disks_check_host(const struct viv_config *config, const struct viv_system_extra *extra,
		    struct viv_error *err);

/*
 * Is each disk there that fileSystems and rootDevice name by its serial? What QEMU is told directly
 * (qemu.options) nobody knows. ENOENT: the option, and names that are near. own: it has viv-disk.
 */
int viv_disks_check_names(const struct viv_config *config, bool own, struct viv_error *err);

/* Where the machine writes: "disk" (its own), "memory", "none" (docs/boot.md). */
const char *viv_disks_upper(const struct viv_config *config, const struct viv_system_extra *extra);
/* What else the guest's init is told of the disks. */
void viv_disks_params(const struct viv_config *config, const struct viv_system *system,
		      const struct viv_system_extra *extra, struct viv_strv *ret);

/* Has the machine a disk of its own, and is it for the guest to put something on it? */
bool viv_disks_has_own(const struct viv_config *config, const struct viv_system_extra *extra);
bool viv_disks_own_is_blank(const struct viv_config *config);
/* virtualisation.qemu.diskInterface. */
enum viv_drive_interface viv_disks_default_interface(const struct viv_config *config);
