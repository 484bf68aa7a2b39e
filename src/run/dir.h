/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A machine's directory, <runtime>/<name>: its console log, its pids, later its sockets. Whoever
 * holds the lock on the directory holds the machine; a directory without a lock is what a killed
 * process left behind: it is emptied and taken over, nothing in it is trusted.
 */

#include "base/error.h"
#include "base/str.h"

#include <sys/types.h>

#define VIV_MACHINE_NAME_MAX 64
#define VIV_MACHINES_MAX     256 /* vm, vm-2, … vm-256 */

struct viv_machine_dir {
	char *name;
	char *path;
	int lock; /* the directory itself, open and locked */
};

#define VIV_MACHINE_DIR_INIT ((struct viv_machine_dir){.lock = -1})

/* 1 to 64 of a-z A-Z 0-9 . _ - and not beginning with a dot or a dash. */
bool viv_machine_name_is_valid(const char *name);
/* The same; EINVAL says what is allowed. */
int viv_machine_name_check(const char *name, struct viv_error *err);

/*
 * Takes a directory below `runtime` (as viv_dir_runtime says). exact: this name, or EBUSY; else
 * name, name-2, … the first that is free. EINVAL for a name that can't be one.
 */
int viv_machine_dir_take(const char *runtime, const char *name, bool exact,
			 struct viv_machine_dir *ret, struct viv_error *err);

/*
 * The names of those that a process took, by the number in their file "pid", whether it still holds them or not;
 * pushed to *ret.
 */
void viv_machine_dirs_of(const char *runtime, pid_t pid, struct viv_strv *ret);

/* Removes the directory and lets go of it. */
void viv_machine_dir_release(struct viv_machine_dir *d);
