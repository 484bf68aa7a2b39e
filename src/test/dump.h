/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Crash dumps of a test's machine (run/crash.h) on their way into its results, one after the other, while all else on the
 * loop goes on: each is as large as the machine's memory. The machine may be started anew meanwhile.
 */

#include "test/guest.h"

#define GUEST_DUMPS_MAX 8 /* of a machine that are kept */

/* After its end: takes over what is on its disk for that, where there is something. Its `changed` says when one is over. */
void dump_fetch(struct guest *g);
bool dump_is_under_way(const struct guest *g);
/* Nothing is left of what is not whole; a warning says so. */
void dump_drop_all(struct guest *g);
