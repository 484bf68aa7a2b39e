/* SPDX-License-Identifier: MIT */
#include "base/fd.h"
#include "base/path.h"
#include "run/disk-image.h"
#include "run/machines.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

/*
 * QEMU locks single bytes (block/file-posix.c): from 100 on one for each thing that it does with
 * the image, from 200 on one for each that it lets nobody else do; bit 1 is writing. Ours is a byte
 * that it does not use: taken before QEMU starts, it tells two starts at the same moment apart.
 */
#define QEMU_BYTES   100
#define QEMU_WRITES  101
#define QEMU_N_BYTES 164
#define OUR_BYTE     300

#define MAX_NOTE 65536
#define NOTE	 "disks"

static bool is_locked(int fd, off_t start, off_t len)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

	return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool holds(const char *runtime, const char *name, const struct stat *what)
{
	VIV_FREE char *path = viv_asprintf("%s/%s/" NOTE, runtime, name);
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line;
	struct stat st;

	if (viv_read_file(path, MAX_NOTE, &text, NULL) < 0)
		return false;
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *file = viv_slice_dup(line);

		if (stat(file, &st) == 0 && same_file(&st, what))
			return true;
	}
	return false;
}

/* The machine of this user's that has it. */
static char *find_user(int fd)
{
	VIV_FREE char *runtime = NULL;
	VIV_STRV names = VIV_STRV_INIT;
	struct stat st;

	if (fstat(fd, &st) < 0 || viv_dir_runtime(&runtime, NULL) < 0 ||
	    viv_machines_names(runtime, &names, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < names.count; i++)
		if (holds(runtime, names.items[i], &st))
			return viv_strdup(names.items[i]);
	return NULL;
}

int viv_disk_lock(int fd, bool shared, char **ret_user)
{
	struct flock ours = {.l_type = shared ? F_RDLCK : F_WRLCK,
			     .l_whence = SEEK_SET,
			     .l_start = OUR_BYTE,
			     .l_len = 1};
	bool taken =
		shared ? is_locked(fd, QEMU_WRITES, 1) : is_locked(fd, QEMU_BYTES, QEMU_N_BYTES);

	if (!taken && fcntl(fd, F_OFD_SETLK, &ours) < 0)
		taken = errno == EAGAIN || errno == EACCES;
	if (!taken)
		return 0;
	*ret_user = find_user(fd);
	return -EBUSY;
}

void viv_disk_image_note(const struct viv_drive *drives, size_t n,
			 const struct viv_machine_dir *dir)
{
	VIV_FREE char *path = viv_path_join(dir->path, NOTE);
	VIV_STR text = VIV_STR_INIT;

	for (size_t i = 0; i < n; i++)
		if (drives[i].file && drives[i].lock > 2)
			viv_str_addf(&text, "%s\n", drives[i].file);
	if (text.len)
		viv_write_file(path, text.data, text.len, 0600, NULL);
}
