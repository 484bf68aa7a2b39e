/* SPDX-License-Identifier: MIT */
#pragma once

/* An empty folder becomes a tree in which dpkg can run. Inside the sandbox only. */

#include "base/error.h"
#include "base/str.h"

/* Folders and files that dpkg and apt expect, and /bin and its like as links into /usr. */
int viv_bootstrap_skeleton(const char *root, const char *architecture, struct viv_error *err);
/* Unpacks the imported packages (absolute paths), several at a time. */
int viv_bootstrap_extract(const char *root, const struct viv_strv *debs, struct viv_error *err);
