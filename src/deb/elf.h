/* SPDX-License-Identifier: MIT */
#pragma once

/* What an ELF file wants from others before it can run: elf(5). Inside deb/ only. */

#include "base/error.h"
#include "base/str.h"

struct viv_elf_needs {
	struct viv_strv libraries; /* DT_NEEDED, in the file's order: "libc.so.6" */
	char *interpreter;	   /* PT_INTERP: "/lib64/ld-linux-x86-64.so.2"; NULL: none */
};

/* Debian's name of an architecture as e_machine; 0 (EM_NONE): not one of ours. */
unsigned viv_elf_machine(const char *architecture);

/*
 * Adds nothing for what is no ELF file, no program or library for that processor (64-bit, little-endian), or
 * one that isn't linked dynamically. EBADMSG: a damaged one. `what` names it in the message.
 */
int viv_elf_needs(const void *data, size_t size, unsigned machine, const char *what, struct viv_elf_needs *ret,
		  struct viv_error *err);
void viv_elf_needs_free(struct viv_elf_needs *n); /* the contents */
