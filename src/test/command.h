/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * `viv test -- ./script.sh ARG…`: a command as a test. It becomes the text of a test file that has one machine and
 * calls the machine's run_script or run_command, so that all else goes as with any test.
 */

#include "base/error.h"

struct viv_test_command {
	char *file;  /* the machine file, absolute; NULL: the default machine */
	char *shown; /* the command, for people */
	char *text;
};

/*
 * A program that is a file here is copied into the machine; any other is run there as it is. machine: a machine file;
 * NULL: ./vm.lua if it is there, else the default machine. ENOENT: ./ or ../ and no file; the machine file isn't there.
 */
int viv_test_command_make(const char *const *argv, const char *machine, struct viv_test_command *ret,
			  struct viv_error *err);
void viv_test_command_free_contents(struct viv_test_command *c);
