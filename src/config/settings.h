/* SPDX-License-Identifier: MIT */
#pragma once

/* Definitions from the command line: --set OPTION=VALUE replaces, --add OPTION=VALUE appends. */

#include "config/config.h"
#include "config/eval.h"

/*
 * Values are read as the option's type wants them: 2, 4G, true, null and text as they are; a list
 * is words between blanks, or JSON in brackets; a set is JSON in braces. `folder` is what relative
 * paths start from. Faults are reported at "command line", or at the
 * flag that stands for the option: "--disk".
 */
void viv_settings_define(struct viv_eval *ev, const struct viv_config_setting *settings, size_t n,
			 const char *folder);
