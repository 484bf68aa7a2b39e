/* SPDX-License-Identifier: MIT */
#include "test/remains.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <sys/file.h>
#include <unistd.h>

#define FOLDER ".tests"

/*
 * Held for the moment in which a test's folder is made and locked, or one is looked at: a folder without a lock must not be a
 * test's that begins.
 */
static int lock_all(const char *all, int *ret_fd, struct viv_error *err)
{
	VIV_FD fd = open(all, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return viv_error_set(err, errno, "%s", all);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return viv_error_set(err, errno, "%s", all);
	*ret_fd = viv_steal_fd(&fd);
	return 0;
}

int viv_test_dir_take(const char *runtime, struct viv_machine_dir *ret, struct viv_error *err)
{
	VIV_FREE char *all = viv_path_join(runtime, FOLDER);
	VIV_FREE char *own = viv_asprintf("%d", (int)getpid());
	VIV_FD lock = -1;
	int r = viv_mkdir_p(all, 0700, err);

	if (r == 0)
		r = lock_all(all, &lock, err);
	return r < 0 ? r : viv_machine_dir_take(all, own, true, ret, err);
}

/* The folder above stays: another test may be about to make its own in it. */
void viv_test_remains_remove(const char *runtime, pid_t pid)
{
	VIV_FREE char *all = viv_path_join(runtime, FOLDER);
	VIV_FREE char *own = viv_asprintf("%d", (int)pid);
	struct viv_machine_dir held = VIV_MACHINE_DIR_INIT;
	VIV_STRV names = VIV_STRV_INIT;
	VIV_FD lock = -1;

	if (lock_all(all, &lock, NULL) < 0 || viv_machine_dir_take(all, own, true, &held, NULL) < 0)
		return;
	viv_machine_dirs_of(runtime, pid, &names);
	for (size_t i = 0; i < names.count; i++) {
		struct viv_machine_dir dir = VIV_MACHINE_DIR_INIT;

		if (viv_machine_dir_take(runtime, names.items[i], true, &dir, NULL) == 0)
			viv_machine_dir_release(&dir);
	}
	viv_machine_dir_release(&held);
}

void viv_test_remains_remove_all(const char *runtime)
{
	VIV_FREE char *all = viv_path_join(runtime, FOLDER);
	VIV_STRV names = VIV_STRV_INIT;
	DIR *dir = opendir(all);
	uint64_t pid;

	for (struct dirent *e; dir && (e = readdir(dir));)
		viv_strv_push(&names, e->d_name);
	if (dir)
		closedir(dir);
	for (size_t i = 0; i < names.count; i++)
		if (viv_slice_u64(viv_slice(names.items[i]), INT32_MAX, &pid))
			viv_test_remains_remove(runtime, (pid_t)pid);
}
