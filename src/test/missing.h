/* SPDX-License-Identifier: MIT */
#pragma once

/* A command that failed because a program is not there, and the package of Debian's that has it. */

#include "base/str.h"

/*
 * The program that is missing, by what a shell (or env, timeout, sudo) says of it in the last line of stderr; a word of at most
 * 255 bytes. NULL: that is not why it failed. In a pipe the status may be another than 127: then only programs that have a
 * package here are known. The caller frees it.
 */
char *viv_test_missing(int status, struct viv_slice err);
/* With or without its folder. NULL: not one of those that people expect to be there. */
const char *viv_test_package_of(const char *program);
/* "Debian's package iproute2 has ip: environment.systemPackages = { "iproute2" }"; NULL: as above. The caller frees it. */
char *viv_test_package_hint(const char *program);
