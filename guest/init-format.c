/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT	  "/viv/root"
#define LOOK_AT	  (64 * 1024) /* where file systems and partition tables have their marks */
#define EXT_MAGIC 1080

/* Formats only what is all zero: a disk with anything on it belongs to somebody. */
static bool is_empty(const char *device)
{
	static unsigned char buf[LOOK_AT];
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	if (n != sizeof(buf))
		fatal("cannot read the disk %s: %s", device, n < 0 ? strerror(errno) : "too small");
	close(fd);
	if (buf[EXT_MAGIC] == 0x53 && buf[EXT_MAGIC + 1] == 0xef)
		return false;
	for (size_t i = 0; i < sizeof(buf); i++)
		if (buf[i])
			fatal("the disk viv-disk (%s) holds something that is not ext4: "
			      "it is left as it is", device);
	return true;
}

/* The disk was made by the host: sparse, so all zero already. Older mke2fs don't take that word. */
static void exec_mke2fs(const char *device, bool prezeroed)
{
	static const char *const places[] = {"/usr/sbin/mke2fs", "/sbin/mke2fs"};
	static char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	const char *extended = prezeroed
		? "assume_storage_prezeroed=1,lazy_journal_init=1,nodiscard"
		: "lazy_itable_init=1,lazy_journal_init=1,nodiscard";
	char *const argv[] = {"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-L", "viv-disk",
			      "-E", (char *)extended, (char *)device, NULL};

	if (chroot(ROOT) < 0 || chdir("/") < 0)
		_exit(126);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		execve(places[i], argv, env);
	_exit(127);
}

static int run_mke2fs(const char *device, bool prezeroed)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		fatal("cannot start mke2fs: %m");
	if (pid == 0)
		exec_mke2fs(device, prezeroed);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void format_if_empty(const struct params *p, const struct disks *d)
{
	char device[48];
	int status;

	snprintf(device, sizeof(device), "/dev/%s", d->writable);
	if (!is_empty(device))
		return;
	root_mount_lower(p);
	must_mount("/dev", ROOT "/dev", NULL, MS_BIND, NULL);
	status = run_mke2fs(device, true);
	if (status == 1)
		status = run_mke2fs(device, false);
	if (status == 127)
		fatal("the disk viv-disk is empty and the machine has no mke2fs to format it: "
		      "add the package e2fsprogs");
	if (status)
		fatal("mke2fs could not format %s: status %d", device, status);
	if (umount(ROOT "/dev") < 0 || umount(ROOT) < 0)
		fatal("cannot unmount the layers: %m");
	note(p, "%s formatted", device);
}
