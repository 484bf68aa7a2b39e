/* SPDX-License-Identifier: MIT */

/* A bzImage of anybody's: header, decompression within its bound, notes of what comes out. */

#include "base/fd.h"
#include "kernel/bzimage.h"
#include "kernel/elf.h"

#include <sys/mman.h>
#include <unistd.h>

#define MAX_OUT (4u << 20) /* a fuzzer has no time for more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR out = VIV_STR_INIT;
	VIV_FD from = -1, fd = -1;
	struct viv_bzimage image;
	int r;

	viv_elf_has_pvh(data, size);
	if (viv_bzimage_parse(data, size, &image, &err) < 0 || image.unpacked_size > MAX_OUT)
		return 0;
	fd = memfd_create("vmlinux", MFD_CLOEXEC);
	from = memfd_create("bzImage", MFD_CLOEXEC);
	if (fd < 0 || from < 0 || viv_write_all(from, data, size, "bzImage", NULL) < 0)
		abort();
	r = viv_bzimage_unpack(from, &image, fd, &err);
	if (lseek(fd, 0, SEEK_SET) < 0 || viv_read_to_end(fd, MAX_OUT, &out, "vmlinux", NULL) < 0)
		abort();
	if (out.len > image.unpacked_size || (r == 0 && out.len != image.unpacked_size))
		abort();
	viv_elf_has_pvh(out.data ? out.data : "", out.len);
	return 0;
}
