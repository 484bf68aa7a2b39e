/* SPDX-License-Identifier: MIT */
#pragma once

/* swtpm(8): the other end of a machine's TPM. */

#include "base/error.h"

#include <sys/types.h>

/* ENOENT: it is not there, and which package it is in. */
int viv_tpm_check(struct viv_error *err);
/* EINVAL: swtpm can't be told of such a path. */
int viv_tpm_check_path(const char *path, struct viv_error *err);
/*
 * Starts it with its state in the folder `dir`, which is made; what it has to say goes to the file `log`. *ret_fd: its control socket, for
 * QEMU; it ends when that is closed, or we do. *ret_pid is to be reaped.
 */
int viv_tpm_start(const char *dir, const char *log, int *ret_fd, pid_t *ret_pid, struct viv_error *err);
/* For people: starts one that listens at `path`, with its state in `state`, NULL: beside that. The caller
 * frees it. */
char *viv_tpm_command_text(const char *path, const char *state);
