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

/* 0: there is none. What a guest wrote: not more than its disk holds. */
static uint64_t dump_size(int disk)
{
	char page[PAGE + 1] = "";
	struct stat st;
	struct viv_slice rest, line;
	uint64_t size = 0;

	if (fstat(disk, &st) < 0 || st.st_size <= PAGE || pread(disk, page, PAGE, st.st_size - PAGE) != PAGE ||
	    !viv_starts_with(page, MARK))
		return 0;
	rest = viv_slice(page + strlen(MARK));
	if (!viv_slice_line(&rest, &line) || !viv_slice_u64(line, (uint64_t)st.st_size - PAGE, &size))
		return 0;
	return size;
}

/* Under a temporary name: who is ended meanwhile leaves no half of one. */
static int write_dump(int disk, uint64_t size, const char *path, bool replace, struct viv_error *err)
{
	VIV_FREE char *tmp = viv_asprintf("%s.tmp-XXXXXX", path);
	VIV_FD fd = mkostemp(tmp, O_CLOEXEC);
	int r;

	if (fd < 0)
		return viv_error_set(err, errno, "%s", path);
	r = ftruncate(disk, (off_t)size) < 0 || lseek(disk, 0, SEEK_SET) < 0 ? viv_error_set(err, errno, "%s", path)
									     : viv_copy_content(disk, fd, path, err);
	if (r == 0 && fchmod(fd, 0600) < 0)
		r = viv_error_set(err, errno, "%s", path);
	if (r == 0 && (replace ? rename(tmp, path) : link(tmp, path)) < 0)
		r = viv_error_set(err, errno, "%s", path);
	unlink(tmp);
	return r;
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

int viv_crash_fetch(int disk, const char *path, const char *name, char **ret_path, struct viv_error *err)
{
	uint64_t size = disk >= 0 ? dump_size(disk) : 0;
	VIV_FREE char *to = NULL, *absolute = NULL;
	int r;

	*ret_path = NULL;
	if (!size)
		return 0;
	to = path ? viv_strdup(path) : free_name(name);
	r = viv_path_absolute(to, &absolute, err);
	if (r == 0)
		r = write_dump(disk, size, absolute, path != NULL, err);
	if (r < 0)
		return viv_error_context(err, "the crash dump");
	*ret_path = viv_steal(absolute);
	return 0;
}
