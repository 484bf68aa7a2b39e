/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A test's process has a folder <runtime>/.tests/PID for the segments of its machines, and holds it by a lock as they do theirs
 * (run/dir.h). One without a lock is what a killed process left behind, and so are the machines' folders that it took.
 */

#include "run/dir.h"

/* This process's. `runtime` as viv_dir_runtime says. */
int viv_test_dir_take(const char *runtime, struct viv_machine_dir *ret, struct viv_error *err);
/* Removes what that process has left, if it is dead. */
void viv_test_remains_remove(const char *runtime, pid_t pid);
/* The same for all. */
void viv_test_remains_remove_all(const char *runtime);
