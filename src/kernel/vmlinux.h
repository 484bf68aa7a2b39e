/* SPDX-License-Identifier: MIT */
#pragma once

/* The uncompressed kernel that QEMU starts through its PVH entry. */

#include "base/error.h"

/*
 * Unpacks the bzImage at one path to a new file at another. Where the kernel has no PVH entry, or is
 * compressed in a way that we don't know, *ret_pvh is false and no file is left: it boots as bzImage.
 */
int viv_kernel_vmlinux(const char *bzimage, const char *vmlinux, bool *ret_pvh,
		       struct viv_error *err);
