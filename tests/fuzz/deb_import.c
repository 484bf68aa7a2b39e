/* SPDX-License-Identifier: MIT */

/* A .deb of anybody's: the ar around it, what is compressed in it, the tar in that. */

#include "base/fd.h"
#include "deb/import.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VIV_FREE char *from = NULL, *dir = viv_strdup("/tmp/viv-fuzz-XXXXXX"), *to = NULL;
	VIV_FD fd = memfd_create("deb", MFD_CLOEXEC);
	VIV_ERROR err = VIV_ERROR_INIT;
	char hash[VIV_SHA256_HEX];
	int64_t epoch;

	if (fd < 0 || viv_write_all(fd, data, size, "deb", NULL) < 0 || !mkdtemp(dir))
		abort();
	from = viv_asprintf("/proc/self/fd/%d", fd);
	to = viv_asprintf("%s/deb", dir);
	viv_deb_epoch(from, &epoch, NULL);
	if (viv_deb_import(from, to, hash, &err) == 0) {
		VIV_FREE char *again = viv_asprintf("%s/again", dir);
		char same[VIV_SHA256_HEX];

		/* What is imported is a package itself, and stays what it is. */
		if (viv_deb_import(to, again, same, NULL) < 0 || strcmp(hash, same) != 0)
			abort();
		unlink(again);
	}
	unlink(to);
	rmdir(dir);
	return 0;
}
