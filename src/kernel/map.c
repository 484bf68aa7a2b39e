/* SPDX-License-Identifier: MIT */
#include "kernel/map.h"

#include "base/fd.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define MAX_IMAGE (1ull << 30)

void viv_unmap(struct viv_map *m)
{
	if (m->data)
		munmap(m->data, m->size);
}

int viv_map_file(const char *path, struct viv_map *ret, struct viv_error *err)
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
	*ret = (struct viv_map){data, (size_t)st.st_size};
	return 0;
}
