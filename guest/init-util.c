/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* One write a line: the kernel's own messages go to the same console. */
static void say(const char *prefix, const char *fmt, va_list ap)
{
	char line[512];
	int saved = errno, n = snprintf(line, sizeof(line), "%s", prefix), more;

	errno = saved;
	more = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	n += more < 0 ? 0 : more;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)n);
	errno = saved;
}

void fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("\n" INIT_FATAL, fmt, ap); /* whatever stands on the line already */
	va_end(ap);
	tcdrain(STDERR_FILENO); /* the line must be out before the power is off */
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

void warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("viv-init: ", fmt, ap);
	va_end(ap);
}

void warn_user(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("\nviv-init: warning: ", fmt, ap); /* whatever stands on the line already */
	va_end(ap);
}

void note(const struct params *p, const char *fmt, ...)
{
	struct timespec t;
	char prefix[48];
	va_list ap;

	if (!p->verbose)
		return;
	clock_gettime(CLOCK_BOOTTIME, &t);
	snprintf(prefix, sizeof(prefix), "viv-init: [%ld.%03ld] ", (long)t.tv_sec,
		 t.tv_nsec / 1000000);
	va_start(ap, fmt);
	say(prefix, fmt, ap);
	va_end(ap);
}

int read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -1;
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return (int)n;
}

void write_record(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) < 0)
		fatal("cannot write %s: %m", path);
	close(fd);
}

void make_folder(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		fatal("cannot make the folder %s: %m", path);
}

void must_mount(const char *what, const char *where, const char *type, unsigned long flags,
		const char *data)
{
	if (mount(what, where, type, flags, data) < 0)
		fatal("cannot mount %s (%s) on %s: %m", what, type ? type : "bind", where);
}

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
