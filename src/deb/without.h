/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Documentation that a machine does without. dpkg leaves it out when it unpacks, now and in the machine: it is told in
 * a file of its configuration, in the base layer.
 */

#include "base/error.h"
#include "base/str.h"

/* "doc", "info" or "man"? */
bool viv_without_is_known(const char *kind);
/* Inside the sandbox, before dpkg's first run: writes the file, and removes what was put there without dpkg. */
int viv_without_prepare(const char *root, const struct viv_strv *kinds, struct viv_error *err);
