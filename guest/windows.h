/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * `viv-agent --windows`: the names of the windows that an X server shows, for the host's tests. A command like any other: it
 * begins, and goes on when something has changed, until it is ended. What it writes: a name a line, from the root window
 * down, then an empty line.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * Of display :NUMBER, whoever started that, and with his rights from then on. Returns what stderr tells, too: 1, the server has
 * gone, or is not there; 2: it takes nobody.
 */
int windows_main(const char *number);
/* The same of a connected socket. The cookie may be empty. */
int windows_watch(int fd, const uint8_t *cookie, size_t len, int out);
