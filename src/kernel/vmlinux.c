/* SPDX-License-Identifier: MIT */
#include "kernel/vmlinux.h"

#include "base/fd.h"
#include "kernel/bzimage.h"
#include "kernel/elf.h"
#include "kernel/map.h"

#include <unistd.h>

static int unpack(const char *bzimage, const char *vmlinux, struct viv_error *err)
{
	VIV_CLEANUP(viv_unmap) struct viv_map m = {0};
	VIV_FD from = -1, fd = -1;
	struct viv_bzimage image;
	int r;

	if ((r = viv_map_file(bzimage, &m, err)) < 0 ||
	    (r = viv_bzimage_parse(m.data, m.size, &image, err)) < 0)
		return r;
	from = viv_open(bzimage, O_RDONLY, 0, err);
	if (from < 0)
		return from;
	fd = viv_open(vmlinux, O_WRONLY | O_CREAT | O_EXCL, 0644, err);
	if (fd < 0)
		return fd;
	r = viv_bzimage_unpack(from, &image, fd, err);
	if (r < 0)
		unlink(vmlinux);
	return r;
}

int viv_kernel_vmlinux(const char *bzimage, const char *vmlinux, bool *ret_pvh,
		       struct viv_error *err)
{
	VIV_CLEANUP(viv_unmap) struct viv_map m = {0};
	VIV_ERROR local = VIV_ERROR_INIT;
	bool pvh = false;
	int r = unpack(bzimage, vmlinux, &local);

	if (r < 0 && r != -EOPNOTSUPP) {
		viv_error_move(err, &local);
		return viv_error_context(err, "%s", bzimage);
	}
	if (r == 0) {
		r = viv_map_file(vmlinux, &m, err);
		if (r < 0)
			return r;
		pvh = viv_elf_has_pvh(m.data, m.size);
		if (!pvh && unlink(vmlinux) < 0)
			return viv_error_set(err, errno, "cannot remove %s", vmlinux);
	}
	*ret_pvh = pvh;
	return 0;
}
