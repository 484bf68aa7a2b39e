/* SPDX-License-Identifier: MIT */
#include "processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_WATCHED 512	       /* at once */
#define PF_KTHREAD  0x00200000 /* include/linux/sched.h */

enum { TERMINAL = 7, FLAGS = 9, THREADS = 20, FIELDS }; /* fields of /proc/PID/stat, proc_pid_stat(5) */

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static ssize_t read_of(const char *pid, const char *file, char *buf, size_t size)
{
	char path[288];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

/* systemd's sign for what stays until the power is off. */
static bool is_marked(const char *pid)
{
	char path[288], name[2] = "";
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s", pid);
	return read_of(pid, "cmdline", name, sizeof(name)) > 0 && name[0] == '@' && stat(path, &st) == 0 &&
	       st.st_uid == 0;
}

/* 0: it is not to be ended, or has ended. */
static pid_t to_end(const char *name, bool *ret_terminal)
{
	char stat[512], *end;
	long pid = strtol(name, &end, 10), fields[FIELDS] = {0};
	bool ended;

	if (*end || pid <= 1 || pid == getpid() || pid == getppid() ||
	    read_of(name, "stat", stat, sizeof(stat)) < 0)
		return 0;
	end = strrchr(stat, ')'); /* the name's end; " S", the state, comes after it */
	if (!end || strlen(end) < 4)
		return 0;
	ended = end[2] == 'Z' || end[2] == 'X';
	end += 3;
	for (size_t i = 4; i < FIELDS; i++)
		fields[i] = strtol(end, &end, 10);
	/* The state is the first thread's: others may go on without it. */
	if ((ended && fields[THREADS] <= 1) || (fields[FLAGS] & PF_KTHREAD) || is_marked(name))
		return 0;
	*ret_terminal = fields[TERMINAL] != 0;
	return (pid_t)pid;
}

static void send_signal(int process, int signo)
{
	syscall(SYS_pidfd_send_signal, process, signo, NULL, 0);
}

/* Each of them gets the signal. The first *ret_watched are in fds. Returns how many there are. */
static nfds_t signal_all(int signo, struct pollfd fds[MAX_WATCHED], nfds_t *ret_watched)
{
	DIR *dir = opendir("/proc");
	nfds_t all = 0, watched = 0;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		bool terminal = false;
		pid_t pid = to_end(e->d_name, &terminal);
		int fd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

		if (fd < 0)
			continue;
		all++;
		send_signal(fd, signo);
		if (signo == SIGTERM && terminal)
			send_signal(fd, SIGHUP);
		if (signo)
			send_signal(fd, SIGCONT);
		if (watched < MAX_WATCHED)
			fds[watched++] = (struct pollfd){.fd = fd, .events = POLLIN};
		else
			close(fd);
	}
	if (dir)
		closedir(dir);
	*ret_watched = watched;
	return all;
}

static nfds_t wait_all(struct pollfd *fds, nfds_t n, int64_t deadline)
{
	nfds_t left = n;
	int64_t ms;

	/* The time is read once a round: less than none would be for ever. */
	while (left && (ms = deadline - clock_ms()) > 0) {
		if (poll(fds, n, (int)ms) < 0 && errno != EINTR)
			break;
		for (nfds_t i = 0; i < n; i++)
			if (fds[i].fd >= 0 && fds[i].revents) {
				close(fds[i].fd);
				fds[i].fd = -1;
				left--;
			}
	}
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	return left;
}

unsigned processes_end(int signo, int ms)
{
	static struct pollfd fds[MAX_WATCHED];
	int64_t deadline = clock_ms() + ms;
	nfds_t all, watched, left;

	do {
		all = signal_all(signo, fds, &watched);
		left = wait_all(fds, watched, deadline);
	} while (all && !left && clock_ms() < deadline);
	if (all > watched) { /* what became of the others is not known */
		left = signal_all(0, fds, &watched);
		wait_all(fds, watched, 0);
	}
	return (unsigned)left;
}
