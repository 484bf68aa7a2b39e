/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

/*
 * boot.crashDump: the initrd brings a second kernel, which the first one keeps in memory that it uses for nothing
 * else and starts when it panics. That one runs this program again, with viv.crash, to copy what was in memory
 * (/proc/vmcore) to a disk of the host's.
 */

#define KERNEL "/viv/crash/kernel"
#define INITRD "/viv/crash/initrd"
#define WINDOW ((size_t)4 << 20)
#define REPORT ((uint64_t)64 << 20) /* a line for each: the host waits as long as they come */
#define PAGE   ((size_t)4096)

/* What is of use to it, too, of the first kernel's command line. */
static bool is_kept(const char *word)
{
	static const char *const kept[] = {"console=",	     "cryptomgr.notests", "no_timer_check",
					   "noreplace-smp", "norandmaps",	  "tsc="};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strncmp(word, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
}

static void make_line(char *from, char *to, size_t size)
{
	char *rest, *word;
	size_t n = (size_t)snprintf(to, size, "viv.crash nr_cpus=1 reset_devices panic=-1 quiet");

	for (word = strtok_r(from, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest))
		if (is_kept(word) && n + strlen(word) + 2 < size)
			n += (size_t)snprintf(to + n, size - n, " %s", word);
}

void crash_load(const struct params *p)
{
	static char line[8192], words[2048];
	int kernel = open(KERNEL, O_RDONLY | O_CLOEXEC), initrd;

	if (kernel < 0)
		return;
	initrd = open(INITRD, O_RDONLY | O_CLOEXEC);
	if (initrd < 0 || read_text("/proc/cmdline", line, sizeof(line)) < 0)
		fatal("cannot read the kernel for crash dumps: %m");
	make_line(line, words, sizeof(words));
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(words) + 1, words, KEXEC_FILE_ON_CRASH) < 0)
		fatal("boot.crashDump: the kernel for crash dumps can't be loaded: %m");
	close(kernel);
	close(initrd);
	unlink(KERNEL); /* its memory is of use */
	unlink(INITRD);
	note(p, "kernel for crash dumps loaded");
}

/* The dump */

struct dump {
	int from, to;
	uint64_t size, room; /* of what is copied; of the disk */
	uint64_t written;
};

static _Noreturn void end(void)
{
	tcdrain(STDERR_FILENO);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static bool find_disk(char *path, size_t size)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *e;
	char serial[64];
	bool found = false;

	while (dir && !found && (e = readdir(dir)))
		if (e->d_name[0] != '.' && disk_serial(e->d_name, serial, sizeof(serial)) &&
		    strcmp(serial, INIT_CRASH_DISK) == 0) {
			snprintf(path, size, "/dev/%s", e->d_name);
			found = true;
		}
	if (dir)
		closedir(dir);
	return found;
}

static bool open_both(struct dump *d)
{
	char path[320];
	struct stat st;

	if (!find_disk(path, sizeof(path))) {
		warning("crash dump: there is no disk " INIT_CRASH_DISK);
		return false;
	}
	d->from = open("/proc/vmcore", O_RDONLY | O_CLOEXEC);
	d->to = open(path, O_RDWR | O_CLOEXEC);
	if (d->from < 0 || d->to < 0 || fstat(d->from, &st) < 0 || ioctl(d->to, BLKGETSIZE64, &d->room) < 0) {
		warning("crash dump: cannot open /proc/vmcore and %s: %m", path);
		return false;
	}
	d->size = (uint64_t)st.st_size;
	if (d->size + PAGE > d->room) {
		warning("crash dump: %llu bytes don't fit", (unsigned long long)d->size);
		return false;
	}
	return true;
}

static bool is_zero(const char *page, size_t n)
{
	return page[0] == 0 && memcmp(page, page + 1, n - 1) == 0;
}

static bool write_all(struct dump *d, const char *data, size_t n, uint64_t at)
{
	while (n) {
		ssize_t done = pwrite(d->to, data, n, (off_t)at);

		if (done <= 0)
			return false;
		data += done;
		at += (uint64_t)done;
		n -= (size_t)done;
		d->written += (uint64_t)done;
	}
	return true;
}

/* Pages of zeros stay holes of the disk's, which is all zeros yet. */
static bool write_window(struct dump *d, const char *data, size_t n, uint64_t at)
{
	size_t start = 0;

	for (size_t i = 0; i < n; i += PAGE) {
		size_t len = n - i < PAGE ? n - i : PAGE;

		if (!is_zero(data + i, len))
			continue;
		if (i > start && !write_all(d, data + start, i - start, at + start))
			return false;
		start = i + len;
	}
	return start >= n || write_all(d, data + start, n - start, at + start);
}

/* Mapping it is many times as fast as reading, which maps each page by itself. */
static bool copy_window(struct dump *d, uint64_t at, size_t n)
{
	static char buf[256 * 1024];
	void *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, d->from, (off_t)at);
	bool ok = true;

	if (map != MAP_FAILED) {
		ok = write_window(d, map, n, at);
		munmap(map, n);
		return ok;
	}
	for (size_t done = 0; ok && done < n;) {
		size_t want = n - done < sizeof(buf) ? n - done : sizeof(buf);
		ssize_t got = pread(d->from, buf, want, (off_t)(at + done));

		ok = got > 0 && write_window(d, buf, (size_t)got, at + done);
		done += got > 0 ? (size_t)got : 0;
	}
	return ok;
}

/* At the disk's end: what makes the dump a whole one (run/crash.h). */
static bool write_end(struct dump *d)
{
	static char page[PAGE];

	snprintf(page, sizeof(page), INIT_CRASH_MARK "%llu\n", (unsigned long long)d->size);
	return fsync(d->to) == 0 && write_all(d, page, sizeof(page), d->room - PAGE) && fsync(d->to) == 0;
}

void crash_dump(void)
{
	static struct dump d;
	bool ok;

	if (!open_both(&d))
		end();
	warning(INIT_CRASH_STARTS "%llu MiB", (unsigned long long)(d.size >> 20));
	ok = true;
	for (uint64_t at = 0; ok && at < d.size; at += WINDOW) {
		if (at && at % REPORT == 0)
			warning(INIT_CRASH_STARTS "%llu MiB are done", (unsigned long long)(at >> 20));
		ok = copy_window(&d, at, d.size - at < WINDOW ? (size_t)(d.size - at) : WINDOW);
	}
	if (!ok || !write_end(&d))
		warning("crash dump: cannot be written: %m");
	else
		warning("crash dump: done, %llu MiB are not empty", (unsigned long long)(d.written >> 20));
	end();
}
