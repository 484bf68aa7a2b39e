/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Exit statuses that mean something (docs/viv.1, EXIT STATUS). `viv run` ends as its command did; the
 * numbers from 120 on say what was not the command's doing.
 */

enum viv_exit {
	VIV_EXIT_OK = 0,
	VIV_EXIT_FAILED = 1,
	VIV_EXIT_USAGE = 2,
	VIV_EXIT_PANIC = 120,	    /* the guest's kernel panicked, oopsed, warned: as --fail-on says */
	VIV_EXIT_GONE = 121,	    /* the guest went away before its command had ended */
	VIV_EXIT_TIMEOUT = 124,	    /* --timeout */
	VIV_EXIT_ENVIRONMENT = 125, /* says nothing about the code under test */
	VIV_EXIT_EXEC = 126,	    /* as in a shell: found and not executable */
	VIV_EXIT_FIND = 127,	    /* not found */
	VIV_EXIT_SIGNAL = 128,	    /* and the signal's number */
};
