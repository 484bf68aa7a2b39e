/* SPDX-License-Identifier: MIT */
#include "agent.h"
#include "processes.h"
#include "windows.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

int agent_watch(struct agent *a, int fd, uint32_t events, unsigned kind, unsigned channel)
{
	struct epoll_event e = {.events = events | EPOLLET,
				.data.u64 = kind | (uint64_t)channel << 8};

	return epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &e);
}

static void take_signals(struct agent *a)
{
	struct signalfd_siginfo info[8];

	while (read(a->signals, info, sizeof(info)) > 0)
		;
	command_reap(a);
}

static void take_event(struct agent *a, const struct epoll_event *e)
{
	struct channel *c = &a->channels[(e->data.u64 >> 8) % VIV_PROTO_MAX_CHANNELS];

	switch (e->data.u64 & 0xff) {
	case ON_PORT:
		a->port_readable |= (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
		a->port_writable |= (e->events & EPOLLOUT) != 0;
		break;
	case ON_SIGNALS:
		take_signals(a);
		break;
	case ON_NOTIFY:
		system_notified(a);
		break;
	case ON_UEVENT:
		port_uevent(a);
		break;
	case ON_STATUS:
		if (c->state == CHANNEL_STARTING)
			command_check_status(c);
		break;
	case ON_STDIN:
		c->in_ready = true;
		break;
	case ON_STDOUT:
		c->out[0].ready = true;
		break;
	case ON_STDERR:
		c->out[1].ready = true;
		break;
	}
}

static void run(struct agent *a)
{
	struct epoll_event events[32];
	bool busy = true;

	while (!a->gone) {
		int n = epoll_wait(a->epoll, events, 32, busy ? 0 : -1);

		for (int i = 0; i < n; i++)
			take_event(a, &events[i]);
		busy = port_read(a);
		busy |= command_pump(a);
		busy |= port_write(a);
	}
	session_end(a);
}

/* Descriptors 0 to 2 must be taken: what is opened later is moved there in the children. */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

static int watch_children(struct agent *a)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return a->signals < 0 ? -1 : agent_watch(a, a->signals, EPOLLIN, ON_SIGNALS, 0);
}

static int arguments(struct agent *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--init=systemd") == 0)
			a->init = INIT_SYSTEMD;
		else if (strcmp(argv[i], "--init=runit") == 0)
			a->init = INIT_RUNIT;
		else if (strcmp(argv[i], "--init=none") == 0)
			a->booted = true;
		else if (strcmp(argv[i], "--network=user") == 0)
			a->user_network = true;
		else if (strncmp(argv[i], "--port-fd=", 10) == 0)
			a->port = (int)strtol(argv[i] + 10, NULL, 10);
		else
			return -1;
	}
	a->guest = a->port < 0;
	return 0;
}

static struct agent the_agent; /* static: there from the start, whatever memory is left */

/* For stage 3 of runit, after its services. */
static int end_others(void)
{
	char self[32] = "";

	/* Anywhere but in a machine it would be the host's. */
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || strcmp(self, "/run/viv/agent") != 0)
		return 2;
	return processes_end(SIGTERM, 5000) && processes_end(SIGKILL, 3000);
}

int main(int argc, char **argv)
{
	struct agent *a = &the_agent;

	if (argc == 2 && strcmp(argv[1], "--booted") == 0)
		return shares_mount(), system_tell_booted();
	if (argc == 2 && strcmp(argv[1], "--shares") == 0)
		return shares_mount(), 0;
	if (argc == 2 && strcmp(argv[1], "--end") == 0)
		return end_others();
	if ((argc == 2 || argc == 3) && strcmp(argv[1], "--windows") == 0)
		return windows_main(argc == 3 ? argv[2] : "0");
	if (argc >= 2 && (strcmp(argv[1], "--put") == 0 || strcmp(argv[1], "--get") == 0))
		return files_main(argv + 1);
	a->init = INIT_NONE;
	a->port = a->signals = a->notify = a->uevents = a->starter.socket = -1;
	if (arguments(a, argc, argv) < 0)
		return 2;
	fill_standard_fds();
	for (unsigned i = 0; i < VIV_PROTO_MAX_CHANNELS; i++)
		command_init(&a->channels[i]);
	a->hunting = true;
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (a->epoll < 0 || watch_children(a) < 0)
		return 1;
	if (a->guest)
		system_setup(a);
	if (a->guest && a->user_network)
		system_user_network(&a->networks);
	if (a->guest && a->init != INIT_NONE) /* else init has waited for them */
		shares_mount();
	port_find(a);
	run(a);
	return 0;
}
