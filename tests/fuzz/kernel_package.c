/* SPDX-License-Identifier: MIT */

/* A kernel package of anybody's: nothing of it gets outside the folder that it is unpacked to. */

#include "base/fd.h"
#include "base/path.h"
#include "kernel/extract.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/viv-fuzz-kernel-XXXXXX";
	VIV_FREE char *deb = NULL, *dest = NULL;
	struct viv_kernel_files files = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (!mkdtemp(dir))
		abort();
	deb = viv_path_join(dir, "deb");
	dest = viv_path_join(dir, "dest");
	if (viv_write_file(deb, data, size, 0644, NULL) < 0 || viv_mkdir_p(dest, 0755, NULL) < 0)
		abort();
	if ((viv_kernel_extract(deb, dest, &files, &err) == 0) != (files.version != NULL) ||
	    !files.version != (err.msg != NULL))
		abort();
	free(files.version);
	viv_remove_tree(dir, NULL);
	return 0;
}
