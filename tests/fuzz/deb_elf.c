/* SPDX-License-Identifier: MIT */

/* A program of anybody's package: what it needs of others. */

#include "deb/elf.h"

#include <elf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VIV_CLEANUP(viv_elf_needs_free) struct viv_elf_needs n = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_elf_needs(data, size, EM_X86_64, "input", &n, &err) < 0) {
		if (err.code != EBADMSG || n.libraries.count || n.interpreter)
			abort();
		return 0;
	}
	for (size_t i = 0; i < n.libraries.count; i++)
		if (!*n.libraries.items[i])
			abort();
	return 0;
}
