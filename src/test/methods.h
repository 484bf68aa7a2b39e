/* SPDX-License-Identifier: MIT */
#pragma once

/* The tables of what a script can call, by area, and what they share. */

#include "base/loop.h"
#include "base/status.h"
#include "test/call.h"

extern const struct method methods_run[], methods_life[], methods_console[], methods_crash[],
	functions_script[], functions_assert[];

/* Lets the loop go on for so long. As runner_wait, and 0 when the time is over. */
int methods_pause(struct call *c, int64_t ms);
