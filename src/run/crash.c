/* SPDX-License-Identifier: MIT */
#include "run/crash.h"

#include "base/fd.h"
#include "base/path.h"
#include "run/disk.h"

#include <sys/stat.h>
#include <unistd.h>

#define MARK	"viv crash dump, bytes: " /* guest/init.h has it, too */
#define PAGE	4096
#define ROOM_MIB 16 /* beside the memory: ELF headers, notes, the end */
#define MAX_TRIES 1000
#define SLICE	  (8 << 20)

struct viv_crash_dump {
	int disk, fd; /* fd -1: the disk is the file */
	char *path, *tmp; /* under a temporary name first: who is ended meanwhile leaves no half of one */
	char *name; /* absolute: others may take <name>.vmcore meanwhile. NULL: what is at path is replaced */
	off_t at;
};

int viv_crash_add_disk(const struct viv_config *config, bool dry, struct viv_machine *m, struct viv_error *err)
{
	struct viv_drive *d;

	if (!viv_config_bool(config, "boot.crashDump.enable"))
		return 0;
	d = viv_machine_add_drive(m);
	d->serial = viv_strdup(VIV_CRASH_SERIAL);
	d->format = "raw";
	d->scratch = true;
	d->blank_mib = m->memory_mib + ROOM_MIB;
	d->forgets = dry;
	return dry ? 0 : viv_disk_blank(d->blank_mib, d->format, &d->fd, err);
}

int viv_crash_watch(const struct viv_machine *m)
{
	const struct viv_drive *d = viv_machine_find_drive(m, VIV_CRASH_SERIAL);

	return d && !d->forgets ? fcntl(d->fd, F_DUPFD_CLOEXEC, 0) : -1;
}

/* What a guest wrote: not more than its disk holds. */
uint64_t viv_crash_size(int disk)
{
	char page[PAGE + 1] = "";
	struct stat st;
	struct viv_slice rest, line;
	uint64_t size = 0;

	if (disk < 0 || fstat(disk, &st) < 0 || st.st_size <= PAGE || pread(disk, page, PAGE, st.st_size - PAGE) != PAGE ||
	    !viv_starts_with(page, MARK))
		return 0;
	rest = viv_slice(page + strlen(MARK));
	if (!viv_slice_line(&rest, &line) || !viv_slice_u64(line, (uint64_t)st.st_size - PAGE, &size))
		return 0;
	return size;
}

/* The first name that is free. */
static char *free_name(const char *name)
{
	char *path = viv_asprintf("%s.vmcore", name);

	for (unsigned i = 2; viv_exists(path) && i < MAX_TRIES; i++) {
		free(path);
		path = viv_asprintf("%s-%u.vmcore", name, i);
	}
	return path;
}

const char *viv_crash_path(const struct viv_crash_dump *d)
{
	return d->path;
}

void viv_crash_dump_free(struct viv_crash_dump *d)
{
	if (!d)
		return;
	if (d->tmp)
		unlink(d->tmp);
	viv_close(d->fd);
	free(d->tmp);
	free(d->path);
	free(d->name);
	free(d);
}

/* The disk has no name (run/disk.h): it is given one, on its file system. */
static bool name_disk(struct viv_crash_dump *d)
{
	VIV_FREE char *disk = viv_asprintf("/proc/self/fd/%d", d->disk);

	d->tmp = viv_asprintf("%s.tmp-%d", d->path, (int)getpid());
	if (linkat(AT_FDCWD, disk, AT_FDCWD, d->tmp, AT_SYMLINK_FOLLOW) == 0)
		return true;
	free(viv_steal(d->tmp));
	return false;
}

static int open_file(struct viv_crash_dump *d, struct viv_error *err)
{
	VIV_FREE char *tmp = viv_asprintf("%s.tmp-XXXXXX", d->path);

	d->fd = mkostemp(tmp, O_CLOEXEC);
	if (d->fd < 0)
		return viv_error_set(err, errno, "the crash dump: %s", d->path);
	d->tmp = viv_steal(tmp);
	return 0;
}

int viv_crash_begin(int disk, const char *path, const char *name, struct viv_crash_dump **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_crash_dump_freep) struct viv_crash_dump *d = viv_new(struct viv_crash_dump);
	int r = path ? viv_path_absolute(path, &d->path, err) : viv_path_absolute(name, &d->name, err);

	d->disk = disk;
	d->fd = -1;
	if (r < 0)
		return viv_error_context(err, "the crash dump");
	if (d->name)
		d->path = free_name(d->name);
	if (ftruncate(disk, (off_t)viv_crash_size(disk)) < 0)
		return viv_error_set(err, errno, "the crash dump: %s", d->path);
	r = name_disk(d) ? 0 : open_file(d, err);
	if (r == 0)
		*ret = viv_steal(d);
	return r;
}

/* 0, or -1 with errno. */
static int give_name(struct viv_crash_dump *d)
{
	if (!d->name)
		return rename(d->tmp, d->path);
	for (unsigned i = 0; link(d->tmp, d->path) < 0; i++) {
		if (errno != EEXIST || i == MAX_TRIES)
			return -1;
		free(d->path);
		d->path = free_name(d->name);
	}
	return 0;
}

static int finish(struct viv_crash_dump *d, struct viv_error *err)
{
	if (fchmod(d->fd < 0 ? d->disk : d->fd, 0600) < 0 || give_name(d) < 0)
		return viv_error_set(err, errno, "%s", d->path);
	return 0;
}

int viv_crash_go_on(struct viv_crash_dump *d, struct viv_error *err)
{
	int r = d->fd < 0 ? 0 : viv_copy_slice(d->disk, d->fd, &d->at, SLICE, d->path, err);

	if (r == 0)
		r = finish(d, err);
	return r < 0 ? viv_error_context(err, "the crash dump") : r;
}

int viv_crash_fetch(int disk, const char *path, const char *name, char **ret_path, struct viv_error *err)
{
	VIV_CLEANUP(viv_crash_dump_freep) struct viv_crash_dump *d = NULL;
	int r;

	*ret_path = NULL;
	if (!viv_crash_size(disk))
		return 0;
	r = viv_crash_begin(disk, path, name, &d, err);
	if (r < 0)
		return r;
	do
		r = viv_crash_go_on(d, err);
	while (r > 0);
	if (r == 0)
		*ret_path = viv_steal(d->path);
	return r;
}
