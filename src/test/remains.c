/* SPDX-License-Identifier: MIT */
#include "test/remains.h"

#include "base/path.h"

#include <dirent.h>
#include <unistd.h>

#define FOLDER ".tests"

int viv_test_dir_take(const char *runtime, struct viv_machine_dir *ret, struct viv_error *err)
{
	VIV_FREE char *all = viv_path_join(runtime, FOLDER);
	VIV_FREE char *own = viv_asprintf("%d", (int)getpid());
	int r = viv_mkdir_p(all, 0700, err);

	return r < 0 ? r : viv_machine_dir_take(all, own, true, ret, err);
}

/* The folder above stays: another test may be about to make its own in it. */
void viv_test_remains_remove(const char *runtime, pid_t pid)
{
	VIV_FREE char *all = viv_path_join(runtime, FOLDER);
	VIV_FREE char *own = viv_asprintf("%d", (int)pid);
	struct viv_machine_dir held = VIV_MACHINE_DIR_INIT;
	VIV_STRV names = VIV_STRV_INIT;

	if (viv_machine_dir_take(all, own, true, &held, NULL) < 0)
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
