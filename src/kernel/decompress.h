/* SPDX-License-Identifier: MIT */
#pragma once

/* Debian ships modules compressed; the guest loads them without that work. */

#include "base/error.h"
#include "base/report.h"

#include <sys/types.h>

/*
 * Replaces each .ko.xz, .ko.zst and .ko.gz below `folder` with the .ko. At most 256 MiB each. Several
 * threads work on it; after a failure the folder is of no use.
 */
int viv_decompress_modules(const char *folder, struct viv_report *report, struct viv_error *err);

/* Gives every file and folder below `folder`, and itself, the same time. */
int viv_set_times(const char *folder, time_t when, struct viv_error *err);
