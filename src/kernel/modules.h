/* SPDX-License-Identifier: MIT */
#pragma once

/* Which modules must be loaded to get others, and in which order: libkmod on a kernel's own folder. */

#include "base/error.h"
#include "base/str.h"

/*
 * Pushes to *ret the paths of the .ko files that give `wanted` and `optional` (names or aliases;
 * either may be NULL), in the order in which to load them, each once: what a module needs, and what
 * it asks for softly, comes first. What is built in is left out. `folder` is a /lib/modules/<version>
 * with depmod's indexes, wherever it lies; the host's modprobe.d is not read. A wanted module that
 * the kernel lacks is ENOENT, and the message has near names; an optional one is left out.
 */
int viv_modules_closure(const char *folder, const struct viv_strv *wanted,
			const struct viv_strv *optional, struct viv_strv *ret,
			struct viv_error *err);

/*
 * Adds to *ret, one a line, the patterns of the processors that a module (a path) is for: its aliases
 * that begin with "cpu:". None: for any. What /sys/devices/system/cpu/modalias of a machine matches
 * none of would only be refused by the module itself.
 */
int viv_modules_processors(const char *path, struct viv_str *ret, struct viv_error *err);

/* The names in a modules.builtin file ("kernel/fs/ext4/ext4.ko" is "ext4"), sorted. No file: none. */
int viv_modules_builtin(const char *folder, struct viv_strv *ret, struct viv_error *err);
