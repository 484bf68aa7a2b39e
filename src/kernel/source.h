/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A kernel that is no package: a file, with or without a folder of modules, or a kernel tree that is built. Here is
 * what of it is used, where that lies, and what it hashes to; viv_kernel_assemble (kernel.h) makes of it what
 * viv_kernel_unpack makes of a package. Nothing in a user's folder is changed.
 */

#include "base/error.h"
#include "base/str.h"

/* Modules, each with its place below /lib/modules/<release>. */
struct viv_kernel_modules {
	struct viv_strv paths; /* on the host */
	struct viv_strv names; /* "kernel/fs/xfs/xfs.ko" */
};

struct viv_kernel_source {
	char *image;   /* bzImage, or vmlinux */
	bool elf;      /* it is a vmlinux */
	char *release; /* "6.12.1" */
	char *config;  /* NULL: none was found beside it */
	char *folder;  /* modules.order, modules.builtin and modules.builtin.modinfo, if they are there; NULL: none */
	struct viv_kernel_modules modules;
};

/*
 * `path` is a file or a tree (a source tree that was built in, or another folder that was built in with O=);
 * `modules` a folder of modules for it: one /lib/modules/<release>, or what holds that (INSTALL_MOD_PATH); NULL: a
 * file's are none, a tree's its own. EINVAL: it is neither, is not built, or its parts are of different releases.
 */
int viv_kernel_source_find(const char *path, const char *modules, struct viv_kernel_source *ret,
			   struct viv_error *err);
void viv_kernel_source_free_contents(struct viv_kernel_source *s);
/* SHA-256, in digits, of all that is used of it. */
int viv_kernel_source_hash(const struct viv_kernel_source *s, char ret_hex[65], struct viv_error *err);

/* A .ko file, or all below a folder; they belong in updates/, where depmod looks first. Adds to *ret. */
int viv_kernel_modules_add(const char *path, struct viv_kernel_modules *ret, struct viv_error *err);
/* EINVAL names one that is none, if it is not compressed, and two that are the same one to the kernel. */
int viv_kernel_modules_check(const struct viv_kernel_modules *m, struct viv_error *err);
int viv_kernel_modules_hash(const struct viv_kernel_modules *m, char ret_hex[65], struct viv_error *err);
void viv_kernel_modules_free_contents(struct viv_kernel_modules *m);
/*
 * Copies them below the folder `to`. EINVAL names one that was built for another release: the kernel would refuse it.
 * In a name the ends .xz, .zst, .gz stay.
 */
int viv_kernel_modules_copy(const struct viv_kernel_modules *m, const char *release, const char *to,
			    struct viv_error *err);

/* What lies beside modules and is not depmod's: "modules.order" and its like; ends with NULL. */
extern const char *const viv_kernel_indexes[];

/* The configuration that a kernel carries (CONFIG_IKCONFIG), out of a vmlinux. False: it has none. */
bool viv_kernel_embedded_config(const char *vmlinux, struct viv_str *ret);
