/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Evaluation in a child process. The files may be a stranger's: whatever they do, it ends within
 * these limits, and nothing of it but data reaches us. The child is a fork that runs no other
 * program; it has no descriptor of ours but the pipe that its answer comes through.
 */

#include "config/load.h"

enum {
	VIV_CONFIG_CPU_SECONDS = 3,
	VIV_CONFIG_CPU_SECONDS_SANITIZED = 8,
	VIV_CONFIG_WALL_SECONDS = 30,
	VIV_CONFIG_MEMORY_MIB = 512,	  /* beyond what is mapped when it starts */
	VIV_CONFIG_MAX_ANSWER = 64 << 20, /* bytes, with everything printed */
};

/* As viv_config_evaluate (load.h). */
int viv_config_evaluate_in_child(const struct viv_config_request *req, const char *folder,
				 struct viv_report *report, struct viv_config_answer *ret,
				 struct viv_error *err);
