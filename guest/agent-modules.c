/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/*
 * The machine may be without modprobe. Its modules lie there unpacked, with depmod's list of what each
 * needs: "kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko …", what is to be loaded first last.
 */

#define COMPRESSED 4 /* MODULE_INIT_COMPRESSED_FILE */

static void load(const char *folder, const char *module)
{
	char path[PATH_MAX];
	size_t n = strlen(module);
	bool plain = n > 3 && strcmp(module + n - 3, ".ko") == 0;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", folder, module) >= (int)sizeof(path))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* There already, or of no use: what is missing then shows where it is wanted. */
	syscall(SYS_finit_module, fd, "", plain ? 0 : COMPRESSED);
	close(fd);
}

/* Is the path one of the module's? In names - and _ are the same. */
static bool is_module(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	for (; *name; name++, base++)
		if (*base != *name && !(*base == '-' && *name == '_'))
			return false;
	return strncmp(base, ".ko", 3) == 0;
}

static void load_line(const char *folder, char *line)
{
	char *space;

	line[strcspn(line, "\n")] = '\0';
	while ((space = strrchr(line, ' '))) {
		*space = '\0';
		load(folder, space + 1);
	}
	line[strcspn(line, ":")] = '\0';
	load(folder, line);
}

void modules_need(const char *name)
{
	struct utsname u;
	char folder[sizeof(u.release) + 32], path[sizeof(folder) + 16], *line = NULL;
	size_t size = 0;
	FILE *f;

	if (uname(&u) < 0)
		return;
	snprintf(folder, sizeof(folder), "/usr/lib/modules/%s", u.release);
	snprintf(path, sizeof(path), "%s/modules.dep", folder);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &size, f) > 0) {
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = '\0';
		if (!is_module(line, name))
			continue;
		*colon = ':';
		load_line(folder, line);
		break;
	}
	free(line);
	fclose(f);
}
