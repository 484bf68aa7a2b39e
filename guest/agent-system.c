/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/random.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define CGROUP "/sys/fs/cgroup"
#define SOCKET "/run/viv/agent.socket"

/* glibc's SIGRTMIN+4, which is what systemd listens to; musl counts from another number. */
#define SYSTEMD_POWEROFF (34 + 4)
#define NONE_POWEROFF	 SIGUSR1

static const struct sockaddr_un socket_addr = {.sun_family = AF_UNIX, .sun_path = SOCKET};

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		r = errno;
	close(fd);
	return r;
}

/* A group of our own: what an init does to those that it knows doesn't reach us. */
static void join_cgroup(void)
{
	struct statfs fs;

	if (statfs(CGROUP, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return;
	if (mkdir(CGROUP "/" VIV_PROTO_PORT, 0755) < 0 && errno != EEXIST)
		return;
	write_text(CGROUP "/" VIV_PROTO_PORT "/cgroup.procs", "0");
}

static void listen_for_boot(struct agent *a)
{
	mode_t mask;
	int r;

	mkdir("/run/viv", 0755);
	unlink(SOCKET);
	a->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->notify < 0)
		return;
	mask = umask(0177);
	r = bind(a->notify, (const struct sockaddr *)&socket_addr, sizeof(socket_addr));
	umask(mask);
	if (r == 0)
		agent_watch(a, a->notify, EPOLLIN, ON_NOTIFY, 0);
}

void system_setup(struct agent *a)
{
	if (chdir("/") == 0)
		setsid();
	write_text("/proc/self/oom_score_adj", "-1000");
	join_cgroup();
	listen_for_boot(a);
}

/* For watches, which are processes of their own. */
static void note_boot(void)
{
	int fd = open(BOOTED_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd >= 0)
		close(fd);
}

void system_notified(struct agent *a)
{
	char word[16];
	ssize_t n;

	while ((n = recv(a->notify, word, sizeof(word), 0)) >= 0) {
		if (n != 6 || memcmp(word, "booted", 6) != 0 || a->booted)
			continue;
		a->booted = a->booted_due = true;
		note_boot();
		if (a->off_due)
			system_poweroff(a);
	}
}

int system_tell_booted(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || sendto(fd, "booted", 6, 0, (const struct sockaddr *)&socket_addr,
			     sizeof(socket_addr)) != 6) {
		perror("viv-agent: cannot tell the agent");
		return 1;
	}
	close(fd);
	return 0;
}

/* Does PID 1 block or catch the signal? If not it would be lost: PID 1 has no default actions. */
static bool init_takes(int signo)
{
	uint64_t bit = (uint64_t)1 << (signo - 1), found = 0;
	FILE *f = fopen("/proc/1/status", "re");
	char line[256];

	if (!f)
		return true;
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, "SigBlk:", 7) == 0 || strncmp(line, "SigCgt:", 7) == 0)
			found |= strtoull(line + 7, NULL, 16) & bit;
	fclose(f);
	return found != 0;
}

/* runit(8) looks for a file (/etc/runit/stopit is a link to it) when it is signalled, and only in stage 2. */
static int runit_poweroff(struct agent *a)
{
	int fd;

	if (!a->booted) {
		a->off_due = true;
		return 0;
	}
	unlink("/run/runit.reboot");
	fd = open("/run/runit.stopit", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0100);
	if (fd < 0 || fchmod(fd, 0100) < 0)
		return errno;
	close(fd);
	return kill(1, SIGCONT) < 0 ? errno : 0;
}

int system_poweroff(struct agent *a)
{
	int signo = a->init == INIT_SYSTEMD ? SYSTEMD_POWEROFF : NONE_POWEROFF;

	if (a->init == INIT_RUNIT)
		return runit_poweroff(a);
	if (init_takes(signo))
		return kill(1, signo) < 0 ? errno : 0;
	/* It isn't up yet, so there is nothing to end before. */
	sync();
	return reboot(RB_POWER_OFF) < 0 ? errno : 0;
}

int system_clock(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / 1000000000),
			     .tv_nsec = (long)(ns % 1000000000)};
	struct timespec now;

	/* What goes by it must not see it go back: nor one that somebody has set ahead. */
	if (clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	    (now.tv_sec > t.tv_sec || (now.tv_sec == t.tv_sec && now.tv_nsec >= t.tv_nsec)))
		return 0;
	return clock_settime(CLOCK_REALTIME, &t) < 0 ? errno : 0;
}

int system_seed(const uint8_t *seed, size_t len)
{
	union {
		struct rand_pool_info info;
		uint8_t bytes[sizeof(struct rand_pool_info) + VIV_PROTO_MAX_SEED];
	} pool;
	int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC), r = 0;

	if (fd < 0)
		return errno;
	pool.info.entropy_count = (int)len * 8;
	pool.info.buf_size = (int)len;
	memcpy(pool.bytes + sizeof(struct rand_pool_info), seed, len);
	/* ENODATA: the pool has never been full, so there is nothing yet that must be replaced. */
	if (ioctl(fd, RNDADDENTROPY, &pool) < 0 ||
	    (ioctl(fd, RNDRESEEDCRNG) < 0 && errno != ENODATA))
		r = errno;
	close(fd);
	return r;
}

int system_hostname(const uint8_t *name, size_t len)
{
	return sethostname((const char *)name, len) < 0 ? errno : 0;
}
