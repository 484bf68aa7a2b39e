/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * udev's names for the disks that are there when the machine starts: nobody else makes them without
 * an init system, and with one udev gets round to them some time after the first command.
 */

#define BY_ID "/dev/disk/by-id"

/* As udev writes it: a blank or more become one _. */
static void add_word(char *name, size_t size, const char *word)
{
	size_t n = strlen(name);

	for (; *word && n + 2 < size; word++)
		if (*word != ' ')
			name[n++] = *word;
		else if (n && name[n - 1] != '_')
			name[n++] = '_';
	while (n && name[n - 1] == '_')
		n--;
	name[n++] = '_';
	name[n] = '\0';
}

static void add_file(char *name, size_t size, const char *disk, const char *file)
{
	char path[320], text[64];

	snprintf(path, sizeof(path), "/sys/block/%s/device/%s", disk, file);
	if (read_text(path, text, sizeof(text)) > 0)
		add_word(name, size, text);
}

static void name_of(const char *disk, const char *serial, char *name, size_t size)
{
	char path[320], vendor[64] = "";

	snprintf(path, sizeof(path), "/sys/block/%s/device/vendor", disk);
	read_text(path, vendor, sizeof(vendor));
	if (strncmp(disk, "nvme", 4) == 0) {
		snprintf(name, size, "nvme-");
		add_file(name, size, disk, "model");
	} else if (strncmp(disk, "sd", 2) == 0 && strncmp(vendor, "ATA", 3) == 0) {
		snprintf(name, size, "ata-");
		add_file(name, size, disk, "model");
	} else if (strncmp(disk, "sd", 2) == 0) {
		snprintf(name, size, "scsi-0");
		add_file(name, size, disk, "vendor");
		add_file(name, size, disk, "model");
	} else {
		snprintf(name, size, "virtio-");
	}
	snprintf(name + strlen(name), size - strlen(name), "%s", serial);
}

static void link_to(const char *name, const char *device, const char *suffix)
{
	char path[400], target[300];

	snprintf(path, sizeof(path), BY_ID "/%s%s", name, suffix);
	snprintf(target, sizeof(target), "../../%s", device);
	(void)!symlink(target, path);
}

/* Its partitions are folders below it, each with a file that holds its number. */
static void link_partitions(const char *disk, const char *name)
{
	char path[640], number[16], suffix[24];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/block/%s", disk);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, disk, strlen(disk)) != 0)
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/%s/partition", disk, e->d_name);
		if (read_text(path, number, sizeof(number)) <= 0)
			continue;
		snprintf(suffix, sizeof(suffix), "-part%s", number);
		link_to(name, e->d_name, suffix);
	}
	if (dir)
		closedir(dir);
}

void links_make(void)
{
	char serial[64], name[200];
	struct dirent *e;
	DIR *dir = opendir("/sys/block");

	mkdir("/dev/disk", 0755);
	mkdir(BY_ID, 0755);
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || !disk_serial(e->d_name, serial, sizeof(serial)) ||
		    strchr(serial, '/'))
			continue;
		name_of(e->d_name, serial, name, sizeof(name));
		link_to(name, e->d_name, "");
		link_partitions(e->d_name, name);
	}
	if (dir)
		closedir(dir);
}
