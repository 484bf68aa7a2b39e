/* SPDX-License-Identifier: MIT */
/* What a guest may send to `viv cp`; nothing may appear outside of the folder. */
#include "base/fd.h"
#include "base/path.h"
#include "transfer/transfer.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct viv_transfer_listener nobody = {0};
	static uint8_t slots[2 * VIV_TRANSFER_SLOT];
	VIV_FD null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct viv_transfer_memory memory = {.base = slots, .slots = 2, .back = null};
	char dir[] = "/tmp/viv-fuzz-XXXXXX";
	VIV_FREE char *into = NULL;
	VIV_FD fd = (int)syscall(SYS_memfd_create, "stream", 0);
	struct dirent *e;
	DIR *d;

	if (fd < 0 || !mkdtemp(dir))
		return 0;
	into = viv_path_join(dir, "into");
	if (mkdir(into, 0700) == 0 &&
	    viv_write_all(fd, VIV_TRANSFER_MAGIC, VIV_TRANSFER_MAGIC_LEN, "stream", NULL) == 0 &&
	    viv_write_all(fd, data, size, "stream", NULL) == 0 && lseek(fd, 0, SEEK_SET) == 0) {
		const struct viv_transfer_target target = {.path = into, .folder = size & 1};

		viv_transfer_receive(fd, &target, size & 2 ? &memory : NULL, &nobody);
	}
	d = opendir(dir);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && !viv_streq(e->d_name, "into"))
			abort();
	closedir(d);
	viv_remove_tree(dir, NULL);
	return 0;
}
