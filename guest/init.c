/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGENT "/run/viv/agent"

extern char **environ;

static void mount_kernel_folders(void)
{
	must_mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	must_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	must_mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	must_mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV,
		   "mode=0755,size=20%,nr_inodes=800k");
}

/* What the agent needs; systemd would mount them in the same way, a moment too late for it. */
static void mount_for_agent(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	make_folder("/dev/pts", 0755);
	if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		  "gid=5,mode=0620,ptmxmode=0666") < 0)
		warning("cannot mount /dev/pts: %m");
	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", flags,
		  "nsdelegate,memory_recursiveprot") < 0 &&
	    mount("cgroup2", "/sys/fs/cgroup", "cgroup2", flags, NULL) < 0)
		warning("cannot mount /sys/fs/cgroup: %m");
}

/* /run is a tmpfs that the real init keeps. */
static void place_agent(void)
{
	int from = open("/viv/agent", O_RDONLY | O_CLOEXEC), to;
	struct stat st;
	ssize_t n = 1;

	make_folder("/run/viv", 0755);
	to = open(AGENT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		fatal("cannot put the agent into place: %m");
	for (off_t left = st.st_size; left > 0 && n > 0; left -= n)
		n = sendfile(to, from, NULL, (size_t)left);
	if (n < 0)
		fatal("cannot copy the agent: %m");
	close(from);
	close(to);
}

pid_t agent_start(const struct params *p)
{
	static char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				    NULL};
	char *argv[] = {"@viv-agent", p->none ? "--init=none" : p->runit ? "--init=runit" : "--init=systemd",
			p->user_network ? "--network=user" : NULL, NULL};
	pid_t pid = fork();
	sigset_t no_signals;
	int null;

	if (pid != 0)
		return pid;
	setsid();
	sigemptyset(&no_signals);
	sigprocmask(SIG_SETMASK, &no_signals, NULL);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	execve(AGENT, argv, env);
	warning("cannot execute the agent: %m");
	_exit(127);
}

static _Noreturn void exec_runit(void)
{
	char *argv[] = {"runit", NULL};

	execve("/sbin/runit", argv, environ);
	fatal("cannot execute /sbin/runit: %m");
}

static _Noreturn void exec_init(const struct params *p)
{
	static const char *const places[] = {"/usr/lib/systemd/systemd", "/lib/systemd/systemd",
					     "/sbin/init"};
	char *argv[] = {"/sbin/init", NULL};

	if (p->init[0]) {
		argv[0] = (char *)p->init;
		execve(p->init, argv, environ);
		fatal("cannot execute %s: %m", p->init);
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		execve(places[i], argv, environ);
	fatal("the machine has no init system: add the package systemd-sysv, "
	      "or set system.init = \"none\"");
}

/* In case the kernel could not open a console: then 0 to 2 must not become something else. */
static void ensure_console(void)
{
	int fd;

	if (fcntl(STDERR_FILENO, F_GETFD) >= 0)
		return;
	fd = open("/dev/console", O_RDWR | O_NOCTTY);
	if (fd < 0)
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 2)
		fd = dup(fd);
}

int main(void)
{
	static char line[8192];
	static struct params p;
	static struct disks disks;
	int events, upper_fd;

	umask(0);
	mount_kernel_folders();
	ensure_console();
	if (read_text("/proc/cmdline", line, sizeof(line)) < 0)
		fatal("cannot read /proc/cmdline: %m");
	params_parse(line, &p);
	events = disks_listen();
	modules_load(&p);
	if (p.crash)
		crash_dump();
	crash_load(&p);
	disks_find(&p, events, &disks);
	note(&p, "disks found");
	place_agent();
	upper_fd = root_assemble(&p, &disks);
	root_switch();
	umask(022);
	mount_for_agent();
	links_make();
	note(&p, "root switched");
	filesystems_make(&p);
	filesystems_mount(&p);
	post_boot_run(&p);
	if (p.none)
		none_run(&p, upper_fd);
	if (p.runit) {
		root_show_upper(&p, upper_fd);
		system_set_up();
	}
	if (agent_start(&p) < 0)
		warning("cannot start the agent: %m");
	if (p.runit)
		exec_runit();
	exec_init(&p);
}
