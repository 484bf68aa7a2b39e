/* SPDX-License-Identifier: MIT */
#include "kernel/elf.h"

#include <elf.h>

#define XEN_ELFNOTE_PHYS32_ENTRY 18 /* xen/interface/elfnote.h */

/* Walks the notes of one segment; a note is a header, a name and a value, each padded to 4. */
static bool pvh_in_notes(const uint8_t *p, size_t size)
{
	while (size >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr n;
		uint64_t name, desc, total;

		memcpy(&n, p, sizeof(n));
		name = ((uint64_t)n.n_namesz + 3) & ~3ull;
		desc = ((uint64_t)n.n_descsz + 3) & ~3ull;
		total = sizeof(n) + name + desc;
		if (total > size)
			return false;
		if (n.n_type == XEN_ELFNOTE_PHYS32_ENTRY && n.n_namesz == 4 && n.n_descsz >= 4 &&
		    !memcmp(p + sizeof(n), "Xen", 4))
			return true;
		p += total;
		size -= total;
	}
	return false;
}

bool viv_elf_has_pvh(const void *data, size_t size)
{
	const uint8_t *p = data;
	Elf64_Ehdr h;

	if (size < sizeof(h))
		return false;
	memcpy(&h, p, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_phentsize != sizeof(Elf64_Phdr) ||
	    h.e_phoff > size || (size - h.e_phoff) / sizeof(Elf64_Phdr) < h.e_phnum)
		return false;
	for (size_t i = 0; i < h.e_phnum; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, p + h.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_NOTE && ph.p_offset <= size &&
		    ph.p_filesz <= size - ph.p_offset &&
		    pvh_in_notes(p + ph.p_offset, ph.p_filesz))
			return true;
	}
	return false;
}
