/* SPDX-License-Identifier: MIT */

/*
 * A plain main for the fuzz targets: runs the target on every file of the folders named. The corpus
 * is replayed this way as a unit test; libFuzzer brings a main of its own.
 */

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *folder)
{
	DIR *d = opendir(folder);
	int n = 0;

	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));) {
		VIV_FREE char *path = viv_path_join(folder, e->d_name);
		VIV_STR data = VIV_STR_INIT;

		if (e->d_name[0] == '.' || viv_read_file(path, 16 << 20, &data, NULL) < 0)
			continue;
		LLVMFuzzerTestOneInput((const uint8_t *)data.data, data.len);
		n++;
	}
	closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int n = replay(argv[i]);

		if (n <= 0) {
			fprintf(stderr, "%s: no corpus\n", argv[i]);
			return 1;
		}
		printf("%s: %d inputs\n", argv[i], n);
	}
	return 0;
}
