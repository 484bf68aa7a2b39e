/* SPDX-License-Identifier: MIT */
#include "test/folder.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MAX_TRIES 1000

int viv_test_folder_place(const char *start, char **ret, struct viv_error *err)
{
	VIV_FREE char *absolute = NULL, *state = viv_dir_state();
	char hex[VIV_SHA256_HEX];
	int r = viv_path_absolute(start, &absolute, err);

	if (r < 0)
		return r;
	viv_sha256_of(absolute, strlen(absolute), hex);
	*ret = viv_asprintf("%s/tests/%s-%.8s", state,
			    absolute[1] ? viv_path_base(absolute) : "root", hex);
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The runs of a place, oldest first. */
static int list_runs(const char *place, uint64_t **ret, size_t *ret_n, struct viv_error *err)
{
	DIR *d = opendir(place);
	uint64_t *list = NULL, number;
	size_t n = 0, cap = 0;

	if (!d && errno != ENOENT)
		return viv_error_set(err, errno, "%s", place);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '0' || !viv_slice_u64(viv_slice(e->d_name), 999999999, &number))
			continue;
		list = viv_grow(list, &cap, n + 1, sizeof(*list));
		list[n++] = number;
	}
	if (d)
		closedir(d);
	if (n)
		qsort(list, n, sizeof(*list), compare_numbers);
	*ret = list;
	*ret_n = n;
	return 0;
}

/* Unless it is being written. That an old one stays does no harm. */
static void remove_run(const char *place, uint64_t number)
{
	VIV_FREE char *path = viv_asprintf("%s/%llu", place, (unsigned long long)number);
	VIV_FREE char *marker = viv_path_join(path, VIV_TEST_FOLDER_MARKER);
	VIV_FD fd = open(marker, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	viv_remove_tree(path, NULL);
}

int viv_test_folder_new(const char *place, struct viv_test_folder **ret, struct viv_error *err)
{
	VIV_FREE uint64_t *runs = NULL;
	VIV_FREE char *path = NULL;
	uint64_t number;
	size_t n = 0;
	int r = viv_mkdir_p(place, 0755, err);

	if (r == 0)
		r = list_runs(place, &runs, &n, err);
	if (r < 0)
		return r;
	number = n ? runs[n - 1] + 1 : 1;
	path = viv_asprintf("%s/%llu", place, (unsigned long long)number);
	for (int i = 0; mkdir(path, 0755) < 0; i++) {
		if (errno != EEXIST || i == MAX_TRIES)
			return viv_error_set(err, errno, "%s", path);
		free(path);
		path = viv_asprintf("%s/%llu", place, (unsigned long long)++number);
	}
	r = viv_test_folder_open(path, ret, err);
	for (size_t i = 0; r == 0 && i + VIV_TEST_RUNS_KEPT - 1 < n; i++)
		remove_run(place, runs[i]);
	return r;
}

int viv_test_folder_last(const char *place, char **ret, struct viv_error *err)
{
	VIV_FREE uint64_t *runs = NULL;
	size_t n = 0;
	int r = list_runs(place, &runs, &n, err);

	if (r < 0)
		return r;
	if (!n)
		return viv_error_say(err, ENOENT, "no test has been run here yet");
	*ret = viv_asprintf("%s/%llu", place, (unsigned long long)runs[n - 1]);
	return 0;
}
