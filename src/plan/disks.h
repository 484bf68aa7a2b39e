/* SPDX-License-Identifier: MIT */
#pragma once

/* What a machine's disks need of its initrd and its packages. */

#include "base/str.h"
#include "config/config.h"

/* The drivers of the interfaces that its disks have; virtio is needed for the layers anyway. */
void viv_plan_disk_modules(const struct viv_config *config, struct viv_strv *ret);
