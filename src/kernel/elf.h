/* SPDX-License-Identifier: MIT */
#pragma once

/* The little that we want to know of a vmlinux: 64-bit little-endian ELF files. */

#include "base/util.h"

/*
 * Has it a PVH entry, that is, a note of type XEN_ELFNOTE_PHYS32_ENTRY by "Xen"? QEMU's -kernel
 * starts such a file directly. False for anything damaged or not ELF, too.
 */
bool viv_elf_has_pvh(const void *data, size_t size);
