/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The device that viv.device names, before there is anybody else who could look for it. */

#define HEAD (128 * 1024)

static const struct {
	const char *mark;
	size_t at; /* where the mark is */
	size_t label, label_len, uuid;
} types[] = {
	{"\x53\xef", 1080, 1144, 16, 1128},
	{"XFSB", 0, 108, 12, 32},
	{"_BHRfS_M", 65600, 65835, 256, 65568},
};

static void format_uuid(const unsigned char *u, char *text)
{
	for (unsigned i = 0; i < 16; i++)
		text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				u[i]);
}

/* Does a file system of ours on the device have this label or UUID? */
static bool content_matches(const char *name, bool uuid, const char *wanted)
{
	static unsigned char head[HEAD];
	char path[300], text[257];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, head, sizeof(head));
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; n == HEAD && i < sizeof(types) / sizeof(types[0]); i++) {
		if (memcmp(head + types[i].at, types[i].mark, strlen(types[i].mark)) != 0)
			continue;
		if (uuid)
			format_uuid(head + types[i].uuid, text);
		else
			snprintf(text, sizeof(text), "%.*s", (int)types[i].label_len,
				 (const char *)head + types[i].label);
		return strcmp(text, wanted) == 0;
	}
	return false;
}

/* Is it a line of the device's uevent? (Older kernels have no PARTUUID there.) */
static bool partition_matches(const char *name, const char *wanted)
{
	char path[300], text[1024], line[160];
	size_t n;

	snprintf(path, sizeof(path), "/sys/class/block/%s/uevent", name);
	n = (size_t)snprintf(line, sizeof(line), "PARTNAME=%s", wanted);
	if (read_text(path, text, sizeof(text)) < 0 || n >= sizeof(line))
		return false;
	for (const char *p = text; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (strncmp(p, line, n) == 0 && (p[n] == '\n' || !p[n]))
			return true;
	return false;
}

static bool matches(const char *name, const char *kind, const char *wanted)
{
	if (strcmp(kind, "label") == 0 || strcmp(kind, "uuid") == 0)
		return content_matches(name, kind[0] == 'u', wanted);
	return partition_matches(name, wanted);
}

static bool search(const char *kind, const char *wanted, char *ret, size_t size)
{
	DIR *dir = opendir("/sys/class/block");
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir)))
		if (e->d_name[0] != '.' && matches(e->d_name, kind, wanted)) {
			snprintf(ret, size, "%s", e->d_name);
			found = true;
		}
	if (dir)
		closedir(dir);
	return found;
}

bool device_find(const char *path, char *ret, size_t size)
{
	static const char *const kinds[] = {"label", "uuid", "partlabel"};
	char start[40], target[300];
	const char *name = path + strlen("/dev/");
	ssize_t n;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(start, sizeof(start), "/dev/disk/by-%s/", kinds[i]);
		if (strncmp(path, start, strlen(start)) == 0)
			return search(kinds[i], path + strlen(start), ret, size);
	}
	links_make();
	n = readlink(path, target, sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		name = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	}
	if (access(path, F_OK) < 0 || strchr(name, '/'))
		return false;
	snprintf(ret, size, "%s", name);
	return true;
}
