/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * `--status FILE`: how a run ended, as JSON, whatever way it ended. A new file takes the place of an
 * old one whole; a pipe, a terminal or a descriptor (/dev/fd/3) is written to.
 */

#include "base/error.h"
#include "base/json.h"

/* For a command's table of flags. */
#define VIV_STATUS_FLAG {"status", 0, "FILE", "write how the run ended, as JSON"}

/*
 * Can FILE be written? For before a build. An old file says from now on that the run has not ended: if
 * viv is killed, nobody takes the last run's result for this one's. file NULL: 0.
 */
int viv_status_begin(const char *file, struct viv_error *err);
int viv_status_write(const char *file, const json_t *j, struct viv_error *err);
/* Nothing was learnt about the command. file or reason NULL: nothing is written. */
void viv_status_write_failure(const char *file, const char *reason);

/* The value of --status in arguments that can't be parsed; NULL: none. Borrowed. */
const char *viv_status_find(int argc, char **argv);
