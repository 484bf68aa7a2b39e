/* SPDX-License-Identifier: MIT */
#pragma once

/* Lengths of time as people write them, on command lines and in test files. */

#include "base/error.h"

/* "90", "90s", "500ms", "5m", "2h": milliseconds, at least 1. EINVAL for anything else. */
int viv_parse_duration(const char *text, int64_t *ret_ms, struct viv_error *err);
