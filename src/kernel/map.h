/* SPDX-License-Identifier: MIT */
#pragma once

/* A kernel image's bytes, mapped read-only. */

#include "base/error.h"

struct viv_map {
	void *data;
	size_t size;
};

/* A regular file of at most 1 GiB, not empty: else EINVAL. */
int viv_map_file(const char *path, struct viv_map *ret, struct viv_error *err);
void viv_unmap(struct viv_map *m); /* for VIV_CLEANUP */
