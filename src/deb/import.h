/* SPDX-License-Identifier: MIT */
#pragma once

/* .deb files: made uncompressed, and unpacked to start a tree. Inside deb/ only. */

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

struct archive;
struct archive_entry;

/* No part of a package may be larger when uncompressed. ar(5) has ten digits for a size. */
#define VIV_DEB_CONTROL_MAX (UINT64_C(256) << 20)
#define VIV_DEB_DATA_MAX    (UINT64_C(9) << 30)

/*
 * Writes the package at `from` with its parts uncompressed (debian-binary, control.tar, data.tar) to
 * the new file `to`. EBADMSG: not a package, or one beyond the limits.
 */
int viv_deb_import(const char *from, const char *to, char ret_sha256[VIV_SHA256_HEX],
		   struct viv_error *err);
/* When it was made: no time in it is later. Reads the first bytes only. */
int viv_deb_epoch(const char *path, int64_t *ret, struct viv_error *err);
/*
 * Unpacks the files of an imported package, open at `fd`, into the current root folder (which must
 * be a chroot): folders that are there stay as they are, other things are replaced.
 */
int viv_deb_extract(int fd, const char *what, struct viv_error *err);

/*
 * Calls fn for each entry of a package's "control.tar" or "data.tar"; the package may be as it came or
 * imported. fn may read the entry's data (libarchive); what it returns, if not 0, ends it and is returned.
 */
typedef int (*viv_deb_entry_fn)(struct archive *tar, struct archive_entry *entry, void *arg,
				struct viv_error *err);
int viv_deb_each_entry(const char *deb, const char *tar, viv_deb_entry_fn fn, void *arg,
		       struct viv_error *err);
