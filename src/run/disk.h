/* SPDX-License-Identifier: MIT */
#pragma once

/* A machine's own writable disk: kept in a file, or thrown away. */

#include "base/error.h"
#include "qemu/machine.h"

/* An empty file in TMPDIR (/var/tmp) that has no name: it is gone when the last descriptor is, however we end. */
int viv_disk_unnamed(int *ret_fd, struct viv_error *err);

/*
 * A sparse disk of size_mib with an empty ext4 on it, such a file. ENOENT: the host has no mke2fs.
 */
int viv_disk_fresh(uint64_t size_mib, int *ret_fd, struct viv_error *err);

/* As above without a file system, of the format "raw" or "qcow2". */
int viv_disk_blank(uint64_t size_mib, const char *format, int *ret_fd, struct viv_error *err);

/*
 * The image at `path`, for d's file and format; qcow2 by that ending, else raw; made empty where
 * there is none: the guest formats it. It is held while d->lock is open (run/disk-image.h).
 * fresh: one that is there is thrown away before, unless it is in use.
 */
int viv_disk_kept(const char *path, uint64_t size_mib, bool fresh, struct viv_drive *d,
		  struct viv_error *err);
