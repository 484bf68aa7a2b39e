/* SPDX-License-Identifier: MIT */

/* The tar in a .deb of anybody's, for what is chosen of it: names, links, modes. */

#include "base/fd.h"
#include "base/path.h"
#include "deb/contents.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct viv_contents *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct viv_contents_file *f = &c->files[i];

		if (!viv_path_is_safe(f->path) || !viv_contents_real(c, f) || f->mode & ~07777u ||
		    (f->type != 'f' && f->type != 'd' && !f->target) || !viv_contents_find(c, f->path))
			abort();
		if (f->type == 'h' && viv_contents_find(c, f->target)->type != 'f')
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VIV_CLEANUP(viv_contents_free) struct viv_contents c = {0};
	VIV_FD fd = memfd_create("deb", MFD_CLOEXEC);
	VIV_FREE char *path = viv_asprintf("/proc/self/fd/%d", fd);
	VIV_STR deb = VIV_STR_INIT;

	viv_str_addf(&deb, "!<arch>\n%-16s%-12u%-6u%-6u%-8s%-10zu`\n", "data.tar", 0, 0, 0, "100644", size);
	viv_str_add_bytes(&deb, (const char *)data, size);
	if (fd < 0 || viv_write_all(fd, deb.data, deb.len, "deb", NULL) < 0)
		abort();
	if (viv_contents_read(path, &c, NULL) < 0)
		return 0;
	check(&c);
	viv_contents_choose_matching(&c, "usr/*");
	viv_contents_choose_all(&c);
	return 0;
}
