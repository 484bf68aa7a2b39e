/* SPDX-License-Identifier: MIT */
#pragma once

/* What a machine's disks need of its initrd and its packages. */

#include "base/str.h"
#include "config/config.h"

/*
 * The drivers of the interfaces that its disks have, and of the file systems that nobody else loads. To
 * `optional` goes what the kernel may have built in, or not know at all.
 */
void viv_plan_disk_modules(const struct viv_config *config, struct viv_strv *ret,
			   struct viv_strv *optional);
/* Is there one that the release's cloud kernel has no driver for? */
bool viv_plan_disks_full_kernel(const struct viv_config *config);
/* What formats its disks, where the guest does that, and what mounts them. */
void viv_plan_disk_packages(const struct viv_config *config, struct viv_strv *ret);
