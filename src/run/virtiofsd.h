/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The program that serves the host's folders to a guest, one for all of a machine's virtiofs shares:
 * each is a folder, mounted read-only or not, of one tree that only it sees (sandbox/serve.h). It is
 * connected with QEMU before either runs, and ends with whichever of us and QEMU ends first.
 */

#include "base/loop.h"
#include "qemu/machine.h"
#include "run/dir.h"

struct viv_virtiofsd;

/*
 * Finds it: *ret_qemus says whether it is the one that came with QEMU, whose arguments are others.
 * Both untouched on failure. ENOENT says what to install.
 */
int viv_virtiofsd_find(char **ret_program, bool *ret_qemus, struct viv_error *err);

/* Its arguments, for a tree at `place`. */
void viv_virtiofsd_command(const struct viv_machine *m, const char *place, struct viv_strv *ret);

/* It ended; `how` with its last words. Not called after viv_virtiofsd_free. */
typedef void (*viv_virtiofsd_ended_fn)(const char *how, void *arg);

/*
 * Starts it for m's virtiofs shares, whose sources are all there. *ret_fd is QEMU's end of the
 * connection, the caller's.
 */
int viv_virtiofsd_start(struct viv_loop *loop, const struct viv_machine *m,
			const struct viv_machine_dir *dir, viv_virtiofsd_ended_fn ended, void *arg,
			struct viv_virtiofsd **ret, int *ret_fd, struct viv_error *err);
/* Ends it. NULL is fine. */
void viv_virtiofsd_free(struct viv_virtiofsd *d);
