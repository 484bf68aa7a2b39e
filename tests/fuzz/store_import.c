/* SPDX-License-Identifier: MIT */

/* A stream for `viv store import`: whatever it holds, what is in the store afterwards is whole. */

#include "base/fd.h"
#include "base/path.h"
#include "store/store.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import(struct viv_store *s, const uint8_t *data, size_t size)
{
	struct viv_store_problems found = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_FD fd = memfd_create("stream", MFD_CLOEXEC);

	if (fd < 0 || viv_write_all(fd, data, size, "stream", NULL) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	viv_store_import(s, fd, NULL, NULL, &err);
	if (viv_store_verify(s, NULL, true, NULL, &found, NULL) < 0 || found.n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/dev/shm/viv-fuzz-XXXXXX"; /* in memory: a store syncs */
	VIV_FREE char *root = NULL;
	struct viv_store *s = NULL;

	if (!mkdtemp(dir))
		abort();
	root = viv_path_join(dir, "store");
	if (viv_store_open(root, &s, NULL) < 0)
		abort();
	import(s, data, size);
	viv_store_close(s);
	viv_remove_tree(dir, NULL);
	return 0;
}
