/* SPDX-License-Identifier: MIT */
#pragma once

/* Which option it was that asked for something which is not there, for messages. Inside plan/ only. */

#include "config/config.h"

/*
 * "vm.lua:3: environment.systemPackages" for a package, which options name with or without a version; a
 * viv_deb_whose_fn. NULL: no option names it. The caller frees it.
 */
char *viv_whose_package(const void *config, const char *package);
/* Puts the option with that module in front of what viv_initrd_write says of one that the kernel lacks. Returns -err->code. */
int viv_whose_module(const struct viv_config *config, struct viv_error *err);
