/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The terminal behind /dev/console, which itself can't control a session: the last one named. */
static void console_path(char *ret, size_t size)
{
	char names[256], *last;

	snprintf(ret, size, "/dev/console");
	if (read_text("/sys/class/tty/console/active", names, sizeof(names)) <= 0)
		return;
	last = strrchr(names, ' ');
	snprintf(ret, size, "/dev/%.60s", last ? last + 1 : names);
}

static _Noreturn void exec_shell(void)
{
	static char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				    "HOME=/root", "USER=root", "LOGNAME=root", "TERM=vt220", NULL};
	static const char *const shells[] = {"/bin/bash", "/bin/sh"};
	char *const argv[] = {"-sh", NULL};

	if (chdir("/root") < 0 && chdir("/") < 0)
		_exit(126);
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		execve(shells[i], argv, env);
	warning("the machine has no shell: %m");
	_exit(127);
}

pid_t shell_start(void)
{
	char path[80];
	sigset_t no_signals;
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	setsid();
	sigemptyset(&no_signals);
	sigprocmask(SIG_SETMASK, &no_signals, NULL);
	console_path(path, sizeof(path));
	fd = open(path, O_RDWR);
	if (fd < 0) {
		warning("cannot open %s: %m", path);
		_exit(126);
	}
	ioctl(fd, TIOCSCTTY, 1);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	exec_shell();
}
