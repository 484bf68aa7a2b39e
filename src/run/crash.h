/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Crash dumps (boot.crashDump): a blank disk of the machine's, as large as its memory, to which the guest's second
 * kernel copies the first one's memory (guest/init-crash.c), and the file that is made of it on the host. The dump
 * begins at the disk's start; the disk's last 4096 bytes say its length, and that it is a whole one.
 */

#include "config/config.h"
#include "qemu/machine.h"

#define VIV_CRASH_SERIAL "viv-crash-dump"

/* Adds the disk, if the machine is to have it. dry: nothing is made. */
int viv_crash_add_disk(const struct viv_config *config, bool dry, struct viv_machine *m, struct viv_error *err);

/* A descriptor of the machine's dump disk, the caller's, to be read after its end; -1: it has none. Before the start. */
int viv_crash_watch(const struct viv_machine *m);

/*
 * Writes what is on the disk to `path`, whole or not at all; *ret_path is where, the caller's. NULL as path: to
 * <name>.vmcore, seen from the current folder, or <name>-2.vmcore, … where that is there already. 0 with *ret_path NULL:
 * there is no dump on it.
 */
int viv_crash_fetch(int disk, const char *path, const char *name, char **ret_path, struct viv_error *err);
