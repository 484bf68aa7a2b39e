/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include "transfer/transfer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * viv-agent --get PATH…: their stream to stdout. viv-agent --put [--folder] [--owners] PATH: a stream
 * from stdin. Commands as any other, which the host runs by way of /proc/self/exe. With --memory=WORD
 * first large blocks go through the memory that a device of QEMU's (ivshmem) shares with the host, if
 * it begins with WORD; whether it is there is the first byte on stdout.
 */

#define PCI "/sys/bus/pci/devices"
#define IVSHMEM "0x1af4 0x1110"

/* Fewer than a pipe holds: nobody may be reading them before the stream has ended. */
#define COMPLAINTS_MAX 40

static void complain(const char *text, void *arg)
{
	unsigned *count = arg;

	if (++*count <= COMPLAINTS_MAX)
		dprintf(STDERR_FILENO, "%.900s\n", text);
}

static int finish(long result, unsigned complaints)
{
	if (complaints > COMPLAINTS_MAX)
		dprintf(STDERR_FILENO, "… and %u more like these\n", complaints - COMPLAINTS_MAX);
	if (result < 0 && complaints == 0)
		dprintf(STDERR_FILENO, "%s\n", strerror((int)-result));
	return result < 0 ? 2 : result > 0;
}

static bool is_ivshmem(int dir)
{
	static const char *const files[] = {"vendor", "device"};
	char text[32] = "";
	size_t len = 0;

	for (int i = 0; i < 2; i++) {
		int fd = openat(dir, files[i], O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, text + len, 8) : -1;

		if (fd >= 0)
			close(fd);
		if (n < 6)
			return false;
		len += 6;
		text[len++] = i == 0 ? ' ' : '\0';
	}
	return strcmp(text, IVSHMEM) == 0;
}

/* What a driver would do first; this device has none. */
static void enable(int dir)
{
	int fd = openat(dir, "enable", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, "1", 1) != 1)
			fd = dup(fd); /* mapping it will show whether that matters */
		close(fd);
	}
}

static bool map(int dir, const char *word, struct viv_transfer_memory *ret)
{
	int fd;
	struct stat st;
	void *p;

	enable(dir);
	fd = openat(dir, "resource2_wc", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fd = openat(dir, "resource2", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	p = fstat(fd, &st) == 0 && st.st_size >= VIV_TRANSFER_SLOT
		    ? mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
		    : MAP_FAILED;
	close(fd);
	if (p == MAP_FAILED || memcmp(p, word, strlen(word)) != 0)
		return false;
	ret->base = p;
	ret->slots = (unsigned)(st.st_size / VIV_TRANSFER_SLOT);
	return true;
}

static bool find_memory(const char *word, struct viv_transfer_memory *ret)
{
	DIR *d = opendir(PCI);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d))) {
		int dir = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		found = dir >= 0 && is_ivshmem(dir) && map(dir, word, ret);
		if (dir >= 0)
			close(dir);
	}
	if (d)
		closedir(d);
	return found;
}

/* Takes --memory off argv. back: see viv_transfer_memory. */
static struct viv_transfer_memory *take_memory(char ***argv, int back)
{
	static struct viv_transfer_memory memory;
	bool found;

	if (!**argv || strncmp(**argv, "--memory=", 9) != 0)
		return NULL;
	found = find_memory(**argv + 9, &memory);
	memory.back = back;
	++*argv;
	if (write(STDOUT_FILENO, found ? "m" : "-", 1) != 1)
		return NULL;
	return found ? &memory : NULL;
}

static int put(char **argv)
{
	const struct viv_transfer_memory *memory = take_memory(&argv, STDOUT_FILENO);
	struct viv_transfer_target target = {0};
	unsigned complaints = 0;
	const struct viv_transfer_listener l = {.complain = complain, .arg = &complaints};
	long result;

	for (; *argv && strncmp(*argv, "--", 2) == 0; argv++) {
		target.folder |= strcmp(*argv, "--folder") == 0;
		target.owners |= strcmp(*argv, "--owners") == 0;
	}
	if (!*argv || argv[1])
		return 2;
	target.path = *argv;
	signal(SIGHUP, SIG_IGN); /* that the stream ends is enough: what came of a file goes */
	result = viv_transfer_receive(STDIN_FILENO, &target, memory, &l);
	return finish(result, complaints);
}

int files_main(char **argv)
{
	unsigned complaints = 0;
	const struct viv_transfer_listener l = {.complain = complain, .arg = &complaints};
	const struct viv_transfer_memory *memory;
	long result;

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(argv[0], "--put") == 0)
		return put(argv + 1);
	argv++;
	memory = take_memory(&argv, STDIN_FILENO);
	if (!*argv)
		return 2;
	result = viv_transfer_send(STDOUT_FILENO, (const char *const *)argv, memory, &l);
	return finish(result, complaints);
}
