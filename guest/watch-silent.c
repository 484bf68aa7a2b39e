/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <dirent.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/*
 * File systems whose files come and go without anybody here doing it. An overlay is one if a layer of it is: its layers are
 * the folders that the table of mounts names for it. A name there that is no folder now (of layers that were mounted
 * before the root was switched) is taken for one that has events.
 */

#define CIFS 0xff534d42
#define SMB2 0xfe534d42
#define DEPTH_MAX 2 /* overlays on overlays: the kernel's limit */

static bool is_silent_at(const char *folder, unsigned depth);

/* "\040" is how the table has what would end a word; overlayfs has a backslash before a colon of a name's own. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		unsigned code;

		if (s[0] == '\\' && sscanf(s + 1, "%3o", &code) == 1 && strspn(s + 1, "01234567") >= 3) {
			*to++ = (char)code;
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* Cuts the next of "a:b\:c::d" off. */
static char *next_layer(char **rest)
{
	char *layer = *rest, *to = layer, *from = layer;

	if (!*layer)
		return NULL;
	for (; *from && *from != ':'; from++) {
		if (from[0] == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*rest = from + (*from != '\0');
	*to = '\0';
	return layer;
}

/* The options of an overlay, between commas. */
static bool any_layer_silent(char *options, unsigned depth)
{
	static const char *const keys[] = {"lowerdir=", "lowerdir+=", "datadir+=", "upperdir="};

	for (char *save, *word = strtok_r(options, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			char *rest = word + strlen(keys[i]), *layer;

			if (strncmp(word, keys[i], strlen(keys[i])) != 0)
				continue;
			unescape(rest);
			while ((layer = next_layer(&rest)))
				if (is_silent_at(layer, depth + 1))
					return true;
		}
	}
	return false;
}

/* A line of proc_pid_mountinfo(5): the options, if it is an overlay with this number. */
static char *options_of(char *line, dev_t dev)
{
	unsigned ma, mi;
	char *rest = strstr(line, " - overlay "), *options = rest ? strrchr(rest, ' ') : NULL;

	if (!options || sscanf(line, "%*d %*d %u:%u", &ma, &mi) != 2 || makedev(ma, mi) != dev)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return options + 1;
}

static bool is_silent_overlay(const char *folder, unsigned depth)
{
	FILE *f = depth < DEPTH_MAX ? fopen("/proc/self/mountinfo", "re") : NULL;
	bool found = false, silent = false;
	char *line = NULL;
	size_t size = 0;
	struct stat st;

	if (f && stat(folder, &st) == 0)
		while (!found && getline(&line, &size, f) >= 0) {
			char *options = options_of(line, st.st_dev);

			found = options != NULL;
			silent = options && any_layer_silent(options, depth);
		}
	free(line);
	if (f)
		fclose(f);
	return silent;
}

static bool is_silent_at(const char *folder, unsigned depth)
{
	static const unsigned long silent[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC,	CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,   TRACEFS_MAGIC,
		SECURITYFS_MAGIC, V9FS_MAGIC,	FUSE_SUPER_MAGIC,    NFS_SUPER_MAGIC, CIFS,
		SMB2,		  CEPH_SUPER_MAGIC};
	struct statfs fs;

	if (statfs(folder, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		if ((unsigned long)fs.f_type == silent[i])
			return true;
	return (unsigned long)fs.f_type == OVERLAYFS_SUPER_MAGIC && is_silent_overlay(folder, depth);
}

enum watch_silence watch_silence_of(const char *folder, struct watch_overlay *last)
{
	struct statfs fs;
	struct stat st;

	if (statfs(folder, &fs) < 0 || (unsigned long)fs.f_type != OVERLAYFS_SUPER_MAGIC || stat(folder, &st) < 0)
		return is_silent_at(folder, 0) ? WATCH_SILENT : WATCH_TELLS;
	if (!last->known || last->dev != st.st_dev)
		*last = (struct watch_overlay){true, is_silent_at(folder, 0), st.st_dev};
	return last->silent ? WATCH_SILENT_OVERLAY : WATCH_TELLS;
}

bool watch_is_listed(const char *folder, const char *name)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir)))
		found = strcmp(e->d_name, name) == 0;
	if (dir)
		closedir(dir);
	return found;
}
