/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_AT (128 * 1024) /* where file systems and partition tables have their marks */

static const struct {
	const char *type, *package, *mark;
	size_t at; /* where the mark is */
} types[] = {
	{"ext4", "e2fsprogs", "\x53\xef", 1080},
	{"xfs", "xfsprogs", "XFSB", 0},
	{"btrfs", "btrfs-progs", "_BHRfS_M", 65600},
};

static const char *package_of(const char *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].type, type) == 0)
			return types[i].package;
	return "";
}

static const char *type_of(const unsigned char *head)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (memcmp(head + types[i].at, types[i].mark, strlen(types[i].mark)) == 0)
			return types[i].type;
	return NULL;
}

/* False: it can't be read. */
static bool read_head(const char *device, unsigned char *buf)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, LOOK_AT);

	if (fd >= 0)
		close(fd);
	if (n >= 0 && n != LOOK_AT)
		errno = EFBIG;
	return n == LOOK_AT;
}

static bool is_zero(const unsigned char *buf)
{
	return buf[0] == 0 && memcmp(buf, buf + 1, LOOK_AT - 1) == 0;
}

bool device_is_empty(const char *device)
{
	static unsigned char buf[LOOK_AT];

	return read_head(device, buf) && is_zero(buf);
}

/* Formats only what is all zero: a disk with anything on it belongs to somebody. */
static bool is_empty(const struct params *p, const char *device, const char *type)
{
	static unsigned char buf[LOOK_AT];
	const char *is;

	if (!read_head(device, buf))
		fatal("cannot read the disk %s: %s", device,
		      errno == EFBIG ? "too small" : strerror(errno));
	is = type_of(buf);
	if (is && strcmp(is, type) == 0)
		return false;
	if (is || !is_zero(buf))
		fatal("the disk %s (%s) holds something that is not %s%s%s: it is left as it is%s",
		      disk_name(p), device, type, is ? ", but " : "", is ? is : "",
		      p->device[0] ? "" : " (--fresh throws it away)");
	return true;
}

static void exec_in_layers(char *const argv[])
{
	static const char *const places[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
	static char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	char path[64];

	if (chroot(ROOT) < 0 || chdir("/") < 0)
		_exit(126);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", places[i], argv[0]);
		execve(path, argv, env);
	}
	_exit(127);
}

int layers_run(char *const argv[])
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		fatal("cannot start %s: %m", argv[0]);
	if (pid == 0)
		exec_in_layers(argv);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The disk was made by the host: sparse, so all zero already. Older mke2fs don't take that word. */
static int make_ext4(char *device)
{
	char *argv[] = {"mke2fs",
			"-q",
			"-F",
			"-t",
			"ext4",
			"-m",
			"0",
			"-L",
			"viv-disk",
			"-E",
			"assume_storage_prezeroed=1,lazy_journal_init=1,nodiscard",
			device,
			NULL};
	int status = layers_run(argv);

	if (status != 1)
		return status;
	argv[10] = "lazy_itable_init=1,lazy_journal_init=1,nodiscard";
	return layers_run(argv);
}

static int make(const char *type, char *device)
{
	char *xfs[] = {"mkfs.xfs", "-q", "-f", "-K", "-L", "viv-disk", device, NULL};
	char *btrfs[] = {"mkfs.btrfs", "-q", "-f", "-K", "-L", "viv-disk", device, NULL};

	if (strcmp(type, "ext4") == 0)
		return make_ext4(device);
	return layers_run(strcmp(type, "xfs") == 0 ? xfs : btrfs);
}

bool format_if_empty(const struct params *p, const struct disks *d, const char *type)
{
	char device[48];
	int status;

	snprintf(device, sizeof(device), "/dev/%s", d->writable);
	if (!is_empty(p, device, type))
		return false;
	root_mount_lower(p);
	must_mount("/dev", ROOT "/dev", NULL, MS_BIND, NULL);
	must_mount("/proc", ROOT "/proc", NULL, MS_BIND, NULL); /* mkfs.xfs: what is mounted? */
	status = make(type, device);
	if (status == 127)
		fatal("the disk %s is empty and the machine has nothing to make %s on it: "
		      "add the package %s",
		      disk_name(p), type, package_of(type));
	if (status)
		fatal("mkfs could not make %s on %s: status %d", type, device, status);
	if (umount(ROOT "/proc") < 0 || umount(ROOT "/dev") < 0 || umount(ROOT) < 0)
		fatal("cannot unmount the layers: %m");
	note(p, "%s formatted", device);
	return true;
}
