/* SPDX-License-Identifier: MIT */
#include "watch.h"

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

#define CPUS_MAX   64 /* bits of a uint64_t */
#define POSSIBLE   "/sys/devices/system/cpu/possible"
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

/* What a file says, in so many bytes; "": nothing. fd: negative, or closed here. */
static void read_text(int fd, char *buf, size_t size)
{
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
}

/* The tracepoint's number; 0: there is none. */
static unsigned long find_tracepoint(void)
{
	int fd = open("/sys/kernel/tracing/" TRACEPOINT, O_RDONLY | O_CLOEXEC), mount;
	char text[32];

	if (fd < 0) {
		mount = mount_tracefs();
		fd = mount < 0 ? -1 : openat(mount, TRACEPOINT, O_RDONLY | O_CLOEXEC);
		if (mount >= 0)
			close(mount);
	}
	read_text(fd, text, sizeof(text));
	return strtoul(text, NULL, 10);
}

/* "0-3,8" as bits. False: there are more, or it makes no sense. */
static bool parse_cpus(const char *list, uint64_t *ret)
{
	uint64_t cpus = 0;
	char *end;

	for (;; list = end + 1) {
		unsigned long cpu = strtoul(list, &end, 10), last = cpu;

		if (end != list && *end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
		}
		if (end == list || cpu > last || last >= CPUS_MAX)
			return false;
		for (; cpu <= last; cpu++)
			cpus |= UINT64_C(1) << cpu;
		if (*end != ',')
			break;
	}
	*ret = cpus;
	return *end == '\n' || *end == '\0';
}

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
		close(fd);
		fd = -1;
	}
	return fd;
}

bool watch_trace_listen(struct watch *w)
{
	unsigned long tracepoint = find_tracepoint();
	uint64_t cpus = 0;
	char list[256];

	/* Not sysconf(3)'s number: with musl that is of those that we may run on. */
	read_text(open(POSSIBLE, O_RDONLY | O_CLOEXEC), list, sizeof(list));
	if (tracepoint == 0 || !parse_cpus(list, &cpus))
		return false;
	/* One that is off now (ENODEV) can be on a moment later. Those of other CPUs do no harm then. */
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		if (cpus >> cpu & 1 && !watch_add(w, open_event(tracepoint, cpu), POLLIN))
			return false;
	return true;
}
