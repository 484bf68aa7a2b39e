/* SPDX-License-Identifier: MIT */
#include "deb/elf.h"

#include <elf.h>

#define MAX_NAME 4096 /* PATH_MAX */

struct image {
	const uint8_t *data;
	size_t size;
	Elf64_Ehdr header;
	const char *what;
};

static int damaged(const struct image *e, struct viv_error *err)
{
	return viv_error_say(err, EBADMSG, "%s is a damaged ELF file", e->what);
}

static bool has(const struct image *e, uint64_t at, uint64_t len)
{
	return at <= e->size && len <= e->size - at;
}

static bool get_segment(const struct image *e, size_t i, Elf64_Phdr *ret)
{
	uint64_t at = e->header.e_phoff;

	if (at > e->size || !has(e, at + i * sizeof(*ret), sizeof(*ret)))
		return false;
	memcpy(ret, e->data + at + i * sizeof(*ret), sizeof(*ret));
	return true;
}

/* A NUL-terminated text in the file. */
static char *get_text(const struct image *e, uint64_t at)
{
	size_t len;

	if (at >= e->size)
		return NULL;
	len = strnlen((const char *)e->data + at, VIV_MIN(e->size - at, (size_t)MAX_NAME));
	return at + len < e->size && !e->data[at + len] && len
		? viv_strndup((const char *)e->data + at, len) : NULL;
}

/* Where in the file an address is loaded from. */
static bool offset_of(const struct image *e, uint64_t address, uint64_t *ret)
{
	Elf64_Phdr p;

	for (size_t i = 0; i < e->header.e_phnum && get_segment(e, i, &p); i++)
		if (p.p_type == PT_LOAD && address >= p.p_vaddr && address - p.p_vaddr < p.p_filesz &&
		    p.p_offset <= e->size) {
			*ret = address - p.p_vaddr + p.p_offset;
			return true;
		}
	return false;
}

/* The first entry with that tag from number *i on; *i becomes the next one's. */
static bool next_dynamic(const struct image *e, const Elf64_Phdr *p, Elf64_Sxword tag, size_t *i,
			 uint64_t *ret)
{
	for (; (*i + 1) * sizeof(Elf64_Dyn) <= p->p_filesz; (*i)++) {
		Elf64_Dyn d;

		memcpy(&d, e->data + p->p_offset + *i * sizeof(d), sizeof(d));
		if (d.d_tag == DT_NULL)
			return false;
		if (d.d_tag != tag)
			continue;
		*ret = d.d_un.d_val;
		(*i)++;
		return true;
	}
	return false;
}

static int take_dynamic(const struct image *e, const Elf64_Phdr *p, struct viv_elf_needs *n,
			struct viv_error *err)
{
	uint64_t table, strings, name;
	size_t i = 0;

	if (!has(e, p->p_offset, p->p_filesz))
		return damaged(e, err);
	if (!next_dynamic(e, p, DT_STRTAB, &i, &table))
		return 0;
	if (!offset_of(e, table, &strings))
		return damaged(e, err);
	for (i = 0; next_dynamic(e, p, DT_NEEDED, &i, &name);) {
		char *text = name < e->size && strings < e->size ? get_text(e, strings + name) : NULL;

		if (!text)
			return damaged(e, err);
		viv_strv_take(&n->libraries, text);
	}
	return 0;
}

static int take_segment(const struct image *e, const Elf64_Phdr *p, struct viv_elf_needs *n,
			struct viv_error *err)
{
	if (p->p_type == PT_DYNAMIC)
		return take_dynamic(e, p, n, err);
	if (p->p_type != PT_INTERP || n->interpreter)
		return 0;
	n->interpreter = get_text(e, p->p_offset);
	return n->interpreter ? 0 : damaged(e, err);
}

unsigned viv_elf_machine(const char *architecture)
{
	static const struct {
		const char *name;
		unsigned machine;
	} machines[] = {{"amd64", EM_X86_64}, {"arm64", EM_AARCH64}, {"riscv64", EM_RISCV}};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(machines); i++)
		if (viv_streq(architecture, machines[i].name))
			return machines[i].machine;
	return EM_NONE;
}

int viv_elf_needs(const void *data, size_t size, unsigned machine, const char *what, struct viv_elf_needs *ret,
		  struct viv_error *err)
{
	VIV_CLEANUP(viv_elf_needs_free) struct viv_elf_needs n = {0};
	struct image e = {.data = data, .size = size, .what = what};
	Elf64_Phdr p;
	int r = 0;

	if (size < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG) != 0 || e.data[EI_CLASS] != ELFCLASS64 ||
	    e.data[EI_DATA] != ELFDATA2LSB)
		return 0;
	if (size < sizeof(e.header))
		return damaged(&e, err);
	memcpy(&e.header, data, sizeof(e.header));
	if (e.header.e_machine != machine || (e.header.e_type != ET_EXEC && e.header.e_type != ET_DYN))
		return 0;
	for (size_t i = 0; r == 0 && i < e.header.e_phnum; i++)
		r = get_segment(&e, i, &p) ? take_segment(&e, &p, &n, err) : damaged(&e, err);
	if (r == 0) {
		*ret = n;
		n = (struct viv_elf_needs){0};
	}
	return r;
}

void viv_elf_needs_free(struct viv_elf_needs *n)
{
	viv_strv_free(&n->libraries);
	free(n->interpreter);
	*n = (struct viv_elf_needs){0};
}
