/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDER "/viv/modules"

static int is_module(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 3 && strcmp(d->d_name + n - 3, ".ko") == 0;
}

/*
 * A module for some processors only has their patterns in a file beside it. It would find out by
 * itself, but only after its signature was checked, which takes an emulated processor a while.
 */
static bool suits_processor(const char *path)
{
	static char mine[4096], patterns[16384];
	char beside[PATH_MAX], *rest, *line;
	int n;

	snprintf(beside, sizeof(beside), "%s.cpu", path);
	n = read_text(beside, patterns, sizeof(patterns));
	unlink(beside);
	if (n < 0 || n == sizeof(patterns) - 1 ||
	    read_text("/sys/devices/system/cpu/modalias", mine, sizeof(mine)) < 0)
		return true;
	for (line = strtok_r(patterns, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (fnmatch(line, mine, 0) == 0)
			return true;
	return false;
}

/* A driver for a device or an instruction that this machine lacks says ENODEV: no harm. */
static void load(const struct params *p, const char *name)
{
	char path[sizeof(FOLDER) + 256];
	int fd;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	if (!suits_processor(path))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		warning("cannot open the module %s: %m", name);
		return;
	}
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != ENODEV && errno != EEXIST)
		warning("cannot load the module %s: %m", name);
	close(fd);
	unlink(path); /* its memory is of use */
	note(p, "module %s", name);
}

void modules_load(const struct params *p)
{
	struct dirent **list;
	int n = scandir(FOLDER, &list, is_module, alphasort);

	if (n < 0) {
		warning("cannot read %s: %m", FOLDER);
		return;
	}
	for (int i = 0; i < n; i++) {
		load(p, list[i]->d_name);
		free(list[i]);
	}
	free(list);
}
