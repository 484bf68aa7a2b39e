/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From a kernel package to what QEMU boots: the uncompressed vmlinux (started through its PVH
 * entry, without BIOS and decompression), the bzImage, a layer with its modules, and the initrd.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/report.h"
#include "base/str.h"
#include "kernel/source.h"

/*
 * Unpacks a kernel .deb (compressed or not) into a new folder `dest`:
 *	bzImage		the kernel as packaged
 *	vmlinux		unpacked, if it has a PVH entry
 *	config		its configuration
 *	modules/	the tree that belongs at /usr/lib/modules/<version>: modules decompressed,
 *			modules.dep and friends made by depmod; owned by the caller
 *	kernel.json	{version, pvh: bool, builtin: […]}
 * `extra`, modules that come beside the package's, may be NULL.
 */
int viv_kernel_unpack(const char *deb, const struct viv_kernel_modules *extra, const char *dest,
		      struct viv_report *report, struct viv_error *err);
/*
 * The same of a kernel that is no package. Without a bzImage where it is a vmlinux, without a config where none is
 * known; without modules and a list of what is built in, modules/ has indexes of nothing.
 */
int viv_kernel_assemble(const struct viv_kernel_source *s, const struct viv_kernel_modules *extra, const char *dest,
			struct viv_report *report, struct viv_error *err);

/* What an initrd is made of. */
struct viv_initrd_spec {
	const char *kernel_dir;		 /* as viv_kernel_unpack left it */
	const char *init;		 /* path of the static init */
	const char *agent;		 /* path of the static agent */
	/* Hexadecimal: what they must be, or it is EAGAIN: they were replaced meanwhile. NULL: whatever they are. */
	const char *init_sha256, *agent_sha256;
	const struct viv_strv *modules;	 /* wanted names; dependencies are added; built-in is fine */
	const struct viv_strv *optional; /* as above, but a kernel without them is fine too */
	/* For crash dumps, the same kernel again, with an initrd of init and these modules; NULL: none. */
	const struct viv_strv *crash_modules;
};

/*
 * Writes the initrd (cpio, newc) to `dest`: /init, /viv/agent, /viv/modules/NNN-name.ko in the
 * order in which they are to be loaded (NNN-name.ko.cpu: the processors that it is for), and folders
 * for mounting; for crash dumps /viv/crash/kernel and /viv/crash/initrd. ENOENT names the module that the
 * kernel lacks. Same input, same bytes.
 */
int viv_initrd_write(const struct viv_initrd_spec *spec, const char *dest, struct viv_error *err);
