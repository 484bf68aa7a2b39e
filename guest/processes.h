/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The end of all that runs in the machine, as init and stage 3 of runit (viv-agent --end) want it: waits are the
 * kernel's events, and who has ended has let go of its files.
 */

/*
 * Sends the signal to every process but PID 1, ourselves, our parent, the kernel's own and root's whose name begins
 * with @ (the agent), and waits until they have ended: for so many ms at most. Those that begin meanwhile get it, too, and of very many some twice.
 * With SIGTERM those at a terminal get SIGHUP besides: shells heed nothing else. How many are still there.
 */
unsigned processes_end(int signo, int ms);
