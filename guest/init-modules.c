/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDER "/viv/modules"

static int is_module(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* A driver for a device or an instruction that this machine lacks says ENODEV: no harm. */
static void load(const char *name)
{
	char path[sizeof(FOLDER) + 256];
	int fd;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		warning("cannot open the module %s: %m", name);
		return;
	}
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != ENODEV && errno != EEXIST)
		warning("cannot load the module %s: %m", name);
	close(fd);
	unlink(path); /* its memory is of use */
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
		load(list[i]->d_name);
		note(p, "module %s", list[i]->d_name);
		free(list[i]);
	}
	free(list);
}
