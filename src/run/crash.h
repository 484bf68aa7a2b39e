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

/* Bytes of the dump that is on the disk; 0: there is none. */
uint64_t viv_crash_size(int disk);

/*
 * A dump on its way to a file. Where that is on the file system of TMPDIR it is the disk itself, and there at once; else it
 * is copied. `path` is written whole or not at all. NULL as path: <name>.vmcore, seen from the current folder, or
 * <name>-2.vmcore, … where that is there already. The disk, on which there is one, is borrowed until it is freed, and not
 * to be written to any more.
 */
struct viv_crash_dump;
int viv_crash_begin(int disk, const char *path, const char *name, struct viv_crash_dump **ret, struct viv_error *err);
/* Absolute; where `name` had one and others take it meanwhile, the last viv_crash_go_on says another. */
const char *viv_crash_path(const struct viv_crash_dump *d);
/* A bit of it, which takes a moment. 1: there is more; 0: the file is there. */
int viv_crash_go_on(struct viv_crash_dump *d, struct viv_error *err);
void viv_crash_dump_free(struct viv_crash_dump *d); /* NULL is fine; nothing is left of one that is half there */
VIV_DEFINE_CLEANUP(struct viv_crash_dump, viv_crash_dump_free)

/* All of that at once; *ret_path is where, the caller's. 0 with *ret_path NULL: there is no dump on the disk. */
int viv_crash_fetch(int disk, const char *path, const char *name, char **ret_path, struct viv_error *err);
