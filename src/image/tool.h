/* SPDX-License-Identifier: MIT */
#pragma once

/* Runs the programs that make images. Inside image/ only. */

#include "base/error.h"
#include "base/str.h"

/*
 * Runs it to its end, up to a quarter of an hour. `env` NULL: ours. `input` is what it reads, may be NULL. A status
 * other than 0: EIO with what it said. ENOENT: it isn't installed; the hint names `package`.
 */
int viv_image_tool(const char *const *argv, const char *const *env, const char *input, const char *package,
		   struct viv_error *err);
