/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What /etc/fstab says, in a machine without an init system; before one, only what is marked as the
 * initrd's (x-initrd.mount). systemd's x-systemd.makefs is heeded as there: an empty device gets its
 * file system. The system's own mkfs and mount do it.
 */

#define LAYOUT	  "/etc/viv/disks"
#define MAX_FSTAB 65536
#define MAX_TEXT  4096

struct entry {
	char *device, *target, *type, *options;
};

/* \040 and its like, in place. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		bool octal = text[0] == '\\';

		for (int i = 1; octal && i < 4; i++)
			octal = text[i] >= '0' && text[i] <= '7';
		if (octal) {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* Changes the line. False: there is nothing to mount in it. */
static bool parse(char *line, struct entry *e)
{
	char **fields[] = {&e->device, &e->target, &e->type, &e->options}, *rest;

	for (size_t i = 0; i < 4; i++) {
		*fields[i] = strtok_r(i ? NULL : line, " \t", &rest);
		if (!*fields[i] || e->device[0] == '#')
			return false;
		unescape(*fields[i]);
	}
	return true;
}

static bool is_target(const struct entry *e)
{
	return e->target[0] == '/' && e->target[1];
}

static bool has_option(const struct entry *e, const char *option)
{
	size_t n = strlen(option);

	for (const char *p = e->options; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, option, n) == 0 && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

static _Noreturn void exec_quietly(char *const argv[], int errors)
{
	static char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char path[64];

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(errors, STDERR_FILENO);
	snprintf(path, sizeof(path), "/usr/sbin/%s", argv[0]);
	execve(path, argv, env);
	snprintf(path, sizeof(path), "/usr/bin/%s", argv[0]);
	execve(path, argv, env);
	_exit(127);
}

/* Its status; the first line that it says on stderr comes to says. */
static int run(char *const argv[], char *says, size_t size)
{
	int fds[2], status = 0;
	size_t n = 0;
	ssize_t got = 1;
	char rest[256];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		fatal("cannot start %s: %m", argv[0]);
	if (pid == 0)
		exec_quietly(argv, fds[1]);
	close(fds[1]);
	while (got > 0) {
		got = n + 1 < size ? read(fds[0], says + n, size - 1 - n)
				   : read(fds[0], rest, sizeof(rest));
		if (got > 0 && n + 1 < size)
			n += (size_t)got;
	}
	close(fds[0]);
	says[n] = '\0';
	says[strcspn(says, "\n")] = '\0';
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Of an entry that is nofail a warning is all. */
static void __attribute__((format(printf, 2, 3))) trouble(const struct entry *e, const char *format, ...)
{
	char text[MAX_TEXT + 512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (!has_option(e, "nofail"))
		fatal("%s", text);
	warning("%s", text);
}

/* False: it is empty and stays so. */
static bool format(const struct params *p, const struct entry *e)
{
	/* What each wants to make one on a whole disk. */
	static const char *const force[][2] = {{"ext", "-F"}, {"xfs", "-f"},  {"btrfs", "-f"},
					       {"f2fs", "-f"}, {"vfat", "-I"}};
	char mkfs[48], says[256], *argv[5] = {mkfs, e->device, NULL};
	int status;

	if (!device_is_empty(e->device))
		return true;
	snprintf(mkfs, sizeof(mkfs), "mkfs.%.32s", e->type);
	for (size_t i = 0; i < sizeof(force) / sizeof(force[0]); i++)
		if (strncmp(e->type, force[i][0], strlen(force[i][0])) == 0) {
			argv[1] = (char *)force[i][1];
			argv[2] = e->device;
		}
	status = run(argv, says, sizeof(says));
	if (status == 127)
		trouble(e, "%s is empty and the machine has no %s: add its package", e->device, mkfs);
	else if (status)
		trouble(e, "cannot make %s on %s for %s: %s", e->type, e->device, e->target, says);
	else
		note(p, "%s formatted for %s", e->device, e->target);
	return !status;
}

static bool make_folders(const struct entry *e)
{
	char part[MAX_TEXT];
	const char *slash = e->target;
	int r = 0;

	while (r == 0 && (slash = strchr(slash + 1, '/')) && slash - e->target < MAX_TEXT) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - e->target), e->target);
		r = mkdir(part, 0755) < 0 && errno != EEXIST ? -1 : 0;
	}
	if (r == 0 && (mkdir(e->target, 0755) == 0 || errno == EEXIST))
		return true;
	trouble(e, "cannot make the folder %s: %m", e->target);
	return false;
}

static void mount_entry(const struct params *p, const struct entry *e)
{
	char *argv[] = {"mount", "-t", e->type, "-o", e->options, e->device, e->target, NULL};
	char says[256], start[MAX_TEXT + 16];
	const char *why = says;
	int status;

	if (has_option(e, "nofail") && e->device[0] == '/' && access(e->device, F_OK) < 0)
		return;
	if (!make_folders(e) || (has_option(e, "x-systemd.makefs") && !format(p, e)))
		return;
	status = run(argv, says, sizeof(says));
	if (status == 0) {
		note(p, "%s mounted", e->target);
		return;
	}
	snprintf(start, sizeof(start), "mount: %s: ", e->target);
	if (strncmp(says, start, strlen(start)) == 0)
		why = says + strlen(start);
	if (status == 127)
		why = "there is no mount: add its package";
	trouble(e, "cannot mount %s on %s: %s", e->device, e->target, why);
}

/* The script (src/plan/areas/layout.sh) speaks for itself on the console; what it says last is why it ends. */
void filesystems_make(const struct params *p)
{
	char *argv[] = {"sh", LAYOUT, NULL};
	char says[512];

	if (access(LAYOUT, F_OK) < 0)
		return;
	if (run(argv, says, sizeof(says)) != 0)
		fatal("%s", says[0] ? says : "the disks could not be made: " LAYOUT " ended");
	links_make();
	note(p, "disks made");
}

static void swap_on(const struct entry *e)
{
	char *argv[] = {"swapon", e->device, NULL};
	char says[256];

	if (run(argv, says, sizeof(says)) != 0)
		trouble(e, "cannot swap to %s: %s", e->device, says);
}

void filesystems_mount(const struct params *p)
{
	static char text[MAX_FSTAB];
	char *line, *rest;
	struct entry e;

	if (read_text("/etc/fstab", text, sizeof(text)) <= 0)
		return;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (!parse(line, &e) || has_option(&e, "noauto") ||
		    (!p->none && !p->runit && !has_option(&e, "x-initrd.mount")))
			continue;
		else if (strcmp(e.type, "swap") == 0)
			swap_on(&e);
		else if (is_target(&e))
			mount_entry(p, &e);
}

/* Read-only is enough for them to be clean, and holds in namespaces that are still going, too. */
void filesystems_settle(void)
{
	static char text[MAX_FSTAB], *targets[512];
	size_t n = 0;
	char *line, *rest;

	if (read_text("/proc/self/mounts", text, sizeof(text)) <= 0)
		return;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct entry e;

		if (n < sizeof(targets) / sizeof(targets[0]) && parse(line, &e) && is_target(&e) &&
		    strncmp(e.device, "/dev/", 5) == 0)
			targets[n++] = e.target;
	}
	while (n-- > 0)
		if (mount(NULL, targets[n], NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
			warning("%s is still in use: %m", targets[n]);
}
