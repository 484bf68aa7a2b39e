/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORTS "/sys/class/virtio-ports"

static bool has_our_name(const char *port)
{
	static const char want[] = VIV_PROTO_PORT "\n";
	char path[300], name[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), PORTS "/%s/name", port);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, name, sizeof(name));
	close(fd);
	return n == sizeof(want) - 1 && memcmp(name, want, sizeof(want) - 1) == 0;
}

static int open_by_name(void)
{
	DIR *dir = opendir(PORTS);
	struct dirent *entry;
	int fd = -1;

	if (!dir)
		return -1;
	while (fd < 0 && (entry = readdir(dir))) {
		char path[300];

		if (entry->d_name[0] == '.' || !has_our_name(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	}
	closedir(dir);
	return fd;
}

static void listen_for_uevents(struct agent *a)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = 1};

	if (a->uevents >= 0)
		return;
	a->uevents = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    NETLINK_KOBJECT_UEVENT);
	if (a->uevents < 0)
		return;
	if (bind(a->uevents, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    agent_watch(a, a->uevents, EPOLLIN, ON_UEVENT, 0) < 0) {
		close(a->uevents);
		a->uevents = -1;
	}
}

void port_find(struct agent *a)
{
	if (a->port < 0)
		a->port = open_by_name();
	if (a->port < 0) {
		/* Listening first, then looking again: else the event could fall in between. */
		listen_for_uevents(a);
		a->port = open_by_name();
	}
	if (a->port < 0)
		return;
	if (a->uevents >= 0)
		close(a->uevents);
	a->uevents = -1;
	fcntl(a->port, F_SETFL, O_RDWR | O_NONBLOCK);
	fcntl(a->port, F_SETFD, FD_CLOEXEC);
	agent_watch(a, a->port, EPOLLIN | EPOLLOUT, ON_PORT, 0);
	a->port_readable = a->port_writable = true;
	/* In the place of an agent that was killed, of whose end QEMU may have told nobody. */
	a->out_start = a->out_end = 0;
	if (a->guest)
		session_lost(a);
}

void port_uevent(struct agent *a)
{
	char event[4096];

	while (a->uevents >= 0 && read(a->uevents, event, sizeof(event)) > 0)
		;
	if (a->port < 0)
		port_find(a);
}

/* The device is gone, or the test's socket has ended. */
static void port_lost(struct agent *a)
{
	session_end(a);
	close(a->port);
	a->port = -1;
	a->port_readable = a->port_writable = false;
	if (a->guest)
		port_find(a);
	else
		a->gone = true;
}

/* Takes what is complete off the input, as long as there is room for answers. */
static void take_frames(struct agent *a)
{
	while (a->in_start < a->in_end && port_room(a, OUT_SMALL)) {
		const uint8_t *data = a->in + a->in_start;
		size_t len = a->in_end - a->in_start;
		struct viv_frame f;
		ptrdiff_t n;

		if (a->hunting) {
			bool found;

			a->in_start += viv_proto_hunt(data, len, true, NULL, &found);
			if (!found)
				return;
			data = a->in + a->in_start;
			len = a->in_end - a->in_start;
		}
		n = viv_proto_parse(data, len, true, &f);
		if (n == 0)
			return;
		if (n > 0) {
			a->in_start += (size_t)n;
			session_frame(a, &f);
		} else if (a->hunting) {
			a->in_start++; /* only looked like a HELLO */
		} else {
			session_lost(a);
		}
	}
}

/* A read of the port gives no more than the driver's buffer, a page: so several in one go. */
bool port_read(struct agent *a)
{
	bool moved = false;

	for (int i = 0; i < 16 && a->port >= 0; i++) {
		ssize_t n;

		take_frames(a);
		if (a->in_start > 0 && (a->in_start == a->in_end || a->in_end == IN_CAP)) {
			memmove(a->in, a->in + a->in_start, a->in_end - a->in_start);
			a->in_end -= a->in_start;
			a->in_start = 0;
		}
		if (!a->port_readable || a->in_end == IN_CAP)
			return moved;
		n = read(a->port, a->in + a->in_end, IN_CAP - a->in_end);
		if (n > 0) {
			a->in_end += (size_t)n;
			moved = true;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 ? errno == EAGAIN : a->guest) {
			a->port_readable = false; /* 0 in a guest: no host is connected */
		} else {
			port_lost(a);
		}
	}
	return moved;
}

bool port_write(struct agent *a)
{
	bool moved = false;

	while (a->port_writable && a->out_start < a->out_end) {
		ssize_t n = write(a->port, a->out + a->out_start, a->out_end - a->out_start);

		if (n > 0) {
			a->out_start += (size_t)n;
			moved = true;
		} else if (n == 0 || errno == EAGAIN) {
			a->port_writable = false;
		} else if (errno != EINTR) {
			port_lost(a);
			return true;
		}
	}
	if (a->out_start == a->out_end)
		a->out_start = a->out_end = 0;
	return moved;
}

bool port_room(struct agent *a, size_t len)
{
	size_t used = a->out_end - a->out_start, want = VIV_PROTO_HEADER + len;

	if (len > OUT_SMALL ? used > OUT_DATA : used + want > OUT_CAP)
		return false;
	if (OUT_CAP - a->out_end < want) {
		memmove(a->out, a->out + a->out_start, used);
		a->out_start = 0;
		a->out_end = used;
	}
	return true;
}

uint8_t *port_payload(struct agent *a)
{
	return a->out + a->out_end + VIV_PROTO_HEADER;
}

void port_frame(struct agent *a, enum viv_proto_type type, uint8_t flags, uint32_t channel,
		size_t len)
{
	viv_proto_header(a->out + a->out_end, type, flags, channel, len);
	a->out_end += VIV_PROTO_HEADER + len;
}
