/* SPDX-License-Identifier: MIT */
#pragma once

/* The files of a kernel package (.deb): an ar archive whose data.tar has the kernel and modules. */

#include "base/error.h"
#include "base/report.h"

#include <sys/types.h>

struct viv_kernel_files {
	char *version; /* of boot/vmlinuz-<version> */
	time_t newest; /* the newest time of the files unpacked */
};

/*
 * Unpacks into the folder `dest`, which must be there:
 *	bzImage, config		boot/vmlinuz-… and boot/config-…
 *	root/usr/lib/modules/	the modules as packed, and root/lib, a link, for any depmod
 * Nothing else in the package is looked at: no links are followed or made. What the package has
 * twice, without a kernel, or of two versions is EINVAL. The caller frees ret->version.
 */
int viv_kernel_extract(const char *deb, const char *dest, struct viv_kernel_files *ret,
		       struct viv_error *err);

/*
 * Just the modules (.ko, or compressed) of any package, into the folder `dest`, which must be there: of
 * lib/modules/<version>/x/y.ko it makes <dest>/x/y.ko. None, or those of two versions, are EINVAL.
 */
int viv_kernel_extract_modules(const char *deb, const char *dest, struct viv_error *err);
