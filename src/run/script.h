/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The run script, result/bin/run-<hostName>-vm (docs/run-script.md): a POSIX shell script that becomes
 * the machine's QEMU and needs nothing of vivarium but its store. Its command line is that of struct
 * viv_machine with shell variables where what they stand for is found out when it runs: the store,
 * the accelerator, the disk. The rest of it, script.sh, is the same for all.
 */

#include "config/config.h"
#include "plan/plan.h"
#include "store/store.h"

/*
 * The script's text; a function of its arguments alone, but for the store's place. ret_refs gets the ids of
 * what it needs beside the system: a boot disk, which is built.
 */
int viv_script_write(struct viv_store *store, const struct viv_config *config,
		     const struct viv_system *system, struct viv_report *report, struct viv_str *ret,
		     struct viv_strv *ret_refs, struct viv_error *err);

/*
 * Makes the object that `result` points to: the script in bin/, the system, and what is in that. The
 * caller frees *ret_id. It is pinned until the store is closed.
 */
int viv_script_build(struct viv_store *store, const struct viv_config *config,
		     const struct viv_system *system, struct viv_report *report, char **ret_id,
		     struct viv_error *err);
