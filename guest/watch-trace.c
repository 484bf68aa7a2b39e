/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The kernel tells nobody that a socket listens, but for whoever traces it: a tracepoint (sock:inet_sock_set_state,
 * since Linux 4.16), counted by a perf event for each CPU. Nothing of it outlasts the process, and nothing else that
 * traces is disturbed, as a use of the trace buffer would.
 */

#define CPUS_MAX   64
#define TRACEPOINT "events/sock/inet_sock_set_state/id"
#define FILTER	   "oldstate == 10 || newstate == 10" /* TCP_LISTEN */

/* tracefs, where nobody sees that it is mounted. */
static int mount_tracefs(void)
{
	int fs = (int)syscall(SYS_fsopen, "tracefs", 1 /* FSOPEN_CLOEXEC */), mount = -1;

	if (fs < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, fs, 1 /* FSMOUNT_CLOEXEC */, 0);
	close(fs);
	return mount;
}

/* The tracepoint's number; 0: there is none. */
static unsigned long find_tracepoint(void)
{
	int fd = open("/sys/kernel/tracing/" TRACEPOINT, O_RDONLY | O_CLOEXEC), mount;
	unsigned long id = 0;
	char text[32];
	ssize_t n;

	if (fd < 0) {
		mount = mount_tracefs();
		fd = mount < 0 ? -1 : openat(mount, TRACEPOINT, O_RDONLY | O_CLOEXEC);
		if (mount >= 0)
			close(mount);
	}
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n > 0) {
		text[n] = '\0';
		id = strtoul(text, NULL, 10);
	}
	return id;
}

/* ENODEV: the CPU is off. */
static int open_event(unsigned long tracepoint, int cpu)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
				       .size = sizeof(attr),
				       .config = tracepoint,
				       .sample_period = 1,
				       .wakeup_events = 1,
				       .disabled = 1};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	/* Pages that are only read are overwritten from their start when they are full. */
	if (fd >= 0 && (ioctl(fd, PERF_EVENT_IOC_SET_FILTER, FILTER) < 0 ||
			mmap(NULL, 2 * (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0) ==
				MAP_FAILED ||
			ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0)) {
		int code = errno;

		close(fd);
		fd = -1;
		errno = code == ENODEV ? EIO : code;
	}
	return fd;
}

bool watch_trace_listen(struct watch *w)
{
	unsigned long tracepoint = find_tracepoint();
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (tracepoint == 0 || cpus < 1 || cpus > CPUS_MAX)
		return false;
	for (int cpu = 0; cpu < cpus; cpu++) {
		int fd = open_event(tracepoint, cpu);

		if (fd < 0 && errno == ENODEV)
			continue;
		if (fd < 0 || !watch_add(w, fd, POLLIN))
			return false; /* those of other CPUs do no harm */
	}
	return true;
}
