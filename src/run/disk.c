/* SPDX-License-Identifier: MIT */
#include "run/disk.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "run/disk-image.h"

#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_MS 60000

int viv_disk_unnamed(int *ret_fd, struct viv_error *err)
{
	const char *dir = getenv("TMPDIR");
	VIV_FREE char *path = NULL;
	int fd;

	/* /tmp is memory on many hosts; a disk may grow beyond that. */
	if (!dir || dir[0] != '/')
		dir = "/var/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		path = viv_asprintf("%s/viv-disk-XXXXXX", dir);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd < 0)
			return viv_error_set(err, errno, "cannot make the machine's disk in %s", dir);
		unlink(path);
	}
	*ret_fd = fd;
	return 0;
}

static int format(int fd, struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("/proc/%d/fd/%d", (int)getpid(), fd);
	const char *argv[] = {"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-L", "viv-disk", "-E",
			      "nodiscard,lazy_itable_init=1,lazy_journal_init=1", path, NULL};

	return viv_process_check(argv, NULL, 65536, FORMAT_MS, err);
}

static int make_qcow2(const char *path, uint64_t size_mib, struct viv_error *err)
{
	VIV_FREE char *size = viv_asprintf("%lluM", (unsigned long long)size_mib);
	const char *argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", path, size, NULL};
	int r = viv_process_check(argv, NULL, 65536, FORMAT_MS, err);

	return r == -ENOENT ? viv_error_hint(err, "install it: apt install qemu-utils") : r;
}

int viv_disk_blank(uint64_t size_mib, const char *format, int *ret_fd, struct viv_error *err)
{
	VIV_FREE char *path = NULL;
	VIV_FD fd = -1;
	int r = viv_disk_unnamed(&fd, err);

	if (r < 0)
		return r;
	path = viv_asprintf("/proc/%d/fd/%d", (int)getpid(), fd);
	if (viv_streq(format, "qcow2"))
		r = make_qcow2(path, size_mib, err);
	else if (ftruncate(fd, (off_t)(size_mib << 20)) < 0)
		r = viv_error_set(err, errno, "cannot make a disk of %llu MiB",
				  (unsigned long long)size_mib);
	if (r == 0)
		*ret_fd = viv_steal_fd(&fd);
	return r;
}

int viv_disk_fresh(uint64_t size_mib, int *ret_fd, struct viv_error *err)
{
	VIV_FREE char *mke2fs = viv_find_program("mke2fs");
	VIV_FD fd = -1;
	int r;

	if (!mke2fs)
		return viv_error_say(err, ENOENT, "there is no mke2fs: apt install e2fsprogs");
	r = viv_disk_blank(size_mib, "raw", &fd, err);
	if (r == 0)
		r = format(fd, err);
	if (r == 0)
		*ret_fd = viv_steal_fd(&fd);
	return r;
}

/* Gives it its name, unless another run was faster: then that one's disk is as good. */
static int publish(const char *tmp, const char *path, struct viv_error *err)
{
	VIV_FREE char *dir = viv_path_dir(path);

	/* Not all file systems know the flag; there is a moment then for the other one's. */
	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE) < 0 && errno != EEXIST &&
	    (access(path, F_OK) == 0 || rename(tmp, path) < 0))
		return viv_error_set(err, errno, "%s", path);
	return viv_sync_dir(dir, err);
}

/* Under another name until it is whole: who is killed meanwhile leaves no disk, not half of one. */
static int make_kept(const char *path, uint64_t size_mib, struct viv_error *err)
{
	VIV_FREE char *tmp = viv_asprintf("%s.tmp-XXXXXX", path);
	VIV_FD fd = mkostemp(tmp, O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return viv_error_set(err, errno, "%s", path);
	if (viv_ends_with(path, ".qcow2"))
		r = make_qcow2(tmp, size_mib, err);
	else if (ftruncate(fd, (off_t)(size_mib << 20)) < 0)
		r = viv_error_set(err, errno, "%s", path);
	if (r == 0 && fsync(fd) < 0)
		r = viv_error_set(err, errno, "%s", path);
	if (r == 0)
		r = publish(tmp, path, err);
	unlink(tmp);
	return r;
}

/* Only what no machine uses, and only files: a disk of the host's is for its owner to empty. */
static int throw_away(const char *path, struct viv_error *err)
{
	VIV_FD fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	VIV_FREE char *user = NULL;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : viv_error_set(err, errno, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return viv_error_say(err, EINVAL, "%s is not a file: --fresh won't touch it", path);
	if (viv_disk_lock(fd, false, &user) < 0)
		return viv_disk_busy(path, user, err);
	return unlink(path) < 0 ? viv_error_set(err, errno, "%s", path) : 0;
}

int viv_disk_kept(const char *path, uint64_t size_mib, bool fresh, struct viv_drive *d,
		  struct viv_error *err)
{
	int r = fresh ? throw_away(path, err) : 0;

	if (r == 0 && access(path, F_OK) < 0)
		r = make_kept(path, size_mib, err);
	if (r < 0)
		return r;
	return viv_disk_image_open(path, viv_ends_with(path, ".qcow2") ? "qcow2" : "raw", d, err);
}
