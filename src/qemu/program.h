/* SPDX-License-Identifier: MIT */
#pragma once

/* The QEMU on this host: where it is, and the newest versioned machine type that it knows. */

#include "base/error.h"

struct viv_qemu_program {
	char *path;
	char *q35; /* "pc-q35-7.2" */
};

/*
 * `wanted` is a name in PATH or a path. ENOENT says what to install. The machine type is asked for
 * once per program file and kept in viv_dir_cache()/qemu.json.
 */
int viv_qemu_find(const char *wanted, struct viv_qemu_program *ret, struct viv_error *err);
/*
 * The processor for emulation (-cpu), or NULL for QEMU's default: before 8.0 its cmpxchg16b is
 * broken in a way that kills Linux 6.12 now and then (docs/boot.md).
 */
const char *viv_qemu_tcg_cpu(const struct viv_qemu_program *p);
void viv_qemu_program_free(struct viv_qemu_program *p); /* the contents */

/* Finds "…(alias of pc-q35-7.2)" in the output of `-machine help`. NULL if there is none. */
char *viv_qemu_newest_q35(const char *help);
