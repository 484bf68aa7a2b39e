/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A disk that a firmware starts from: a partition table, one FAT file system, and for a BIOS the boot
 * loader's code before it. Made of files by sfdisk, mkfs.fat and mtools, without root or mounts.
 *
 * For a BIOS: an MBR table (type 0c, active, from 1 MiB on); the first sector's code and, from the second
 * sector on, the loader's core, which is where GRUB's own code looks for it when nobody told it
 * otherwise. For UEFI: a GPT with an EFI system partition, from 1 MiB on.
 */

#include "base/error.h"
#include "base/str.h"

struct viv_boot_file {
	const char *path;   /* on the file system, below its root; folders are made */
	const char *source; /* a file here; NULL: see text */
	const char *text;
};

struct viv_boot_disk {
	const char *mbr, *core; /* files: a BIOS's code and core. NULL: for UEFI */
	const char *label;	/* of the file system; at most 11 capital letters */
	const char *seed;	/* identifiers are made of it */
	const struct viv_boot_file *files;
	size_t n_files;
};

/* Same input, same tools, same bytes. ENOENT says which tool to install, EFBIG that the core is too large. */
int viv_boot_disk_write(const struct viv_boot_disk *d, const char *dest, struct viv_error *err);
/* Are the tools there? */
int viv_boot_disk_check(struct viv_error *err);
/* The tools and their versions, for recipes. The caller frees *ret. */
int viv_boot_disk_version(char **ret, struct viv_error *err);
