/* SPDX-License-Identifier: MIT */
#pragma once

/* Decompression of single files (kernels, modules) by libarchive, with a bound. */

#include "base/error.h"

/*
 * Unpacks `size` bytes, compressed with `filter` (libarchive's name), to fd: at most `max` bytes,
 * else EFBIG. EOPNOTSUPP if this libarchive lacks the filter. *ret_size, which may be NULL, is what
 * was written. `what` names the data in messages.
 */
int viv_unpack_memory(const void *data, size_t size, const char *filter, int fd, uint64_t max,
		      const char *what, uint64_t *ret_size, struct viv_error *err);

/*
 * As above, of `size` bytes of the file `from` from `offset` on: read piece by piece, for what is large.
 */
int viv_unpack_file(int from, uint64_t offset, uint64_t size, const char *filter, int fd,
		    uint64_t max, const char *what, uint64_t *ret_size, struct viv_error *err);

/* The filter for a file name's end (".xz", ".zst", ".gz"), or NULL; *ret_len: without that end. */
const char *viv_unpack_filter_for(const char *name, size_t *ret_len);
