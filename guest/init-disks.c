/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OURS	 "viv-"
#define LAYER	 "viv-layer-"
#define WRITABLE "viv-disk"

#define PARTITIONS_MS 3000

int disks_listen(void)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		warning("cannot listen to the kernel's events: %m");
	return fd;
}

static void trim(char *text)
{
	char *end = text + strlen(text), *start = text;

	while (end > text && end[-1] == ' ')
		*--end = '\0';
	while (*start == ' ')
		start++;
	memmove(text, start, strlen(start) + 1);
}

/* SCSI's page 0x80 (SPC-4, 7.8.15): four bytes, the last of them the length, then the serial. */
static bool serial_page(const char *path, char *buf, size_t size)
{
	char page[256] = "";
	int n = read_text(path, page, sizeof(page));

	if (n <= 4 || (size_t)n - 4 >= size)
		return false;
	memcpy(buf, page + 4, (size_t)n - 4);
	buf[n - 4] = '\0';
	return true;
}

/* virtio-blk has the serial at the disk, nvme at the device behind it, SCSI and ATA in a page. */
bool disk_serial(const char *disk, char *buf, size_t size)
{
	char path[320];
	bool found;

	snprintf(path, sizeof(path), "/sys/block/%s/serial", disk);
	found = read_text(path, buf, size) > 0;
	if (!found) {
		snprintf(path, sizeof(path), "/sys/block/%s/device/serial", disk);
		found = read_text(path, buf, size) > 0;
	}
	if (!found) {
		snprintf(path, sizeof(path), "/sys/block/%s/device/vpd_pg80", disk);
		found = serial_page(path, buf, size);
	}
	if (found)
		trim(buf);
	return found && buf[0];
}

const char *disk_name(const struct params *p)
{
	return p->device[0] ? p->device : WRITABLE;
}

static void take(const struct params *p, const char *disk, const char *serial, struct disks *d)
{
	bool own = strcmp(serial, WRITABLE) == 0;
	char *end;
	unsigned long n;

	if (strlen(disk) >= sizeof(d->writable))
		return;
	if (own && !p->device[0])
		snprintf(d->writable, sizeof(d->writable), "%.31s", disk);
	if (strncmp(serial, OURS, strlen(OURS)) != 0 || (own && p->device[0]))
		d->further++;
	if (strncmp(serial, LAYER, strlen(LAYER)) != 0)
		return;
	n = strtoul(serial + strlen(LAYER), &end, 10);
	if (!*end && n < INIT_MAX_LAYERS)
		snprintf(d->layer[n], sizeof(d->layer[n]), "%.31s", disk);
}

static void scan(const struct params *p, struct disks *d)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *e;
	char serial[64];

	if (!dir)
		return;
	d->further = 0;
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.' && disk_serial(e->d_name, serial, sizeof(serial)))
			take(p, e->d_name, serial, d);
	closedir(dir);
}

/* The serial of the first disk that is not there yet, or NULL. */
static const char *missing(const struct params *p, struct disks *d)
{
	static char name[48];

	for (unsigned i = 0; i < p->layers; i++)
		if (!d->layer[i][0]) {
			snprintf(name, sizeof(name), LAYER "%u", i);
			return name;
		}
	if (p->upper == UPPER_DISK && !p->device[0] && !d->writable[0])
		return WRITABLE;
	if (d->further < p->disks) {
		snprintf(name, sizeof(name), "further %u of %u", d->further + 1, p->disks);
		return name;
	}
	if (p->device[0] && !device_find(p->device, d->writable, sizeof(d->writable)))
		return p->device;
	return NULL;
}

static void list_all(void)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *e;
	char serial[64];

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			warning("disk %s: serial \"%s\"", e->d_name,
				disk_serial(e->d_name, serial, sizeof(serial)) ? serial : "");
	if (dir)
		closedir(dir);
}

/* What happened is of no interest, only that something did. False at the deadline. */
static bool wait_event(int events, int64_t deadline)
{
	struct pollfd pfd = {.fd = events, .events = POLLIN};
	int64_t left = deadline - now_ms();
	char buf[4096];

	if (left <= 0 || events < 0)
		return false;
	if (poll(&pfd, 1, (int)left) < 0 && errno != EINTR)
		return false;
	while (recv(events, buf, sizeof(buf), 0) > 0 || errno == ENOBUFS)
		;
	return true;
}

void disks_find(const struct params *p, int events, struct disks *ret)
{
	int64_t deadline = now_ms() + (int64_t)p->timeout * 1000;
	const char *name;

	memset(ret, 0, sizeof(*ret));
	scan(p, ret);
	while ((name = missing(p, ret))) {
		/* With all disks there, only partitions are still to come. */
		if (name == p->device && deadline > now_ms() + PARTITIONS_MS)
			deadline = now_ms() + PARTITIONS_MS;
		if (!wait_event(events, deadline)) {
			list_all();
			if (name == p->device)
				fatal("the disk %s is not there", name);
			fatal("the disk %s did not appear within %u s", name, p->timeout);
		}
		scan(p, ret);
	}
	if (events >= 0)
		close(events);
}
