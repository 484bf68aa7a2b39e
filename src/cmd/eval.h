/* SPDX-License-Identifier: MIT */
#pragma once

/* Parts of `viv eval` that are a file of their own. */

#include "cmd/cmd.h"

/*
 * --etc: the files that options produce, each with its place; or the contents of those named (NULL at
 * the end), and nothing else. As a command's run.
 */
int viv_cmd_eval_etc(struct viv_cmd *cmd, const struct viv_config *config, const char *const *paths,
		     struct viv_error *err);
