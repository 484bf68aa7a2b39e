/* SPDX-License-Identifier: MIT */
#include "kernel/vmlinux.h"

#include "base/fd.h"
#include "kernel/bzimage.h"
#include "kernel/elf.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_IMAGE (1ull << 30)

/* A file's bytes, mapped read-only. */
struct map {
	void *data;
	size_t size;
};

static void unmap(struct map *m)
{
	if (m->data)
		munmap(m->data, m->size);
}

static int map_file(const char *path, struct map *ret, struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_RDONLY, 0, err);
	struct stat st;
	void *data;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return viv_error_set(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size == 0 || (uint64_t)st.st_size > MAX_IMAGE)
		return viv_error_say(err, EINVAL, "not a Linux kernel image (bzImage)");
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return viv_error_set(err, errno, "cannot map %s", path);
	*ret = (struct map){data, (size_t)st.st_size};
	return 0;
}

static int unpack(const char *bzimage, const char *vmlinux, struct viv_error *err)
{
	VIV_CLEANUP(unmap) struct map m = {0};
	VIV_FD from = -1, fd = -1;
	struct viv_bzimage image;
	int r;

	if ((r = map_file(bzimage, &m, err)) < 0 ||
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
	VIV_CLEANUP(unmap) struct map m = {0};
	VIV_ERROR local = VIV_ERROR_INIT;
	bool pvh = false;
	int r = unpack(bzimage, vmlinux, &local);

	if (r < 0 && r != -EOPNOTSUPP) {
		viv_error_move(err, &local);
		return viv_error_context(err, "%s", bzimage);
	}
	if (r == 0) {
		r = map_file(vmlinux, &m, err);
		if (r < 0)
			return r;
		pvh = viv_elf_has_pvh(m.data, m.size);
		if (!pvh && unlink(vmlinux) < 0)
			return viv_error_set(err, errno, "cannot remove %s", vmlinux);
	}
	*ret_pvh = pvh;
	return 0;
}
