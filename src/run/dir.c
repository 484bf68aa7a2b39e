/* SPDX-License-Identifier: MIT */
#include "run/dir.h"

#include "base/fd.h"
#include "base/path.h"
#include "sandbox/sandbox.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool viv_machine_name_is_valid(const char *name)
{
	if (!isalnum((unsigned char)name[0]) && name[0] != '_')
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return strlen(name) <= VIV_MACHINE_NAME_MAX;
}

int viv_machine_name_check(const char *name, struct viv_error *err)
{
	if (viv_machine_name_is_valid(name))
		return 0;
	return viv_error_say(err, EINVAL,
			     "\"%s\" can't be a machine's name: letters, digits, . _ -, at most %d", name,
			     VIV_MACHINE_NAME_MAX);
}

/* Does the path still lead to what we have locked? The holder before us may have removed it. */
static bool is_same(const char *path, int fd)
{
	struct stat a, b;

	return lstat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* -EBUSY without a message: somebody has it. */
static int lock_dir(const char *path, int *ret_fd, struct viv_error *err)
{
	for (int tries = 0; tries < 100; tries++) {
		VIV_FD fd = -1;

		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return viv_error_set(err, errno, "%s", path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return viv_error_set(err, errno, "%s", path);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? -EBUSY : viv_error_set(err, errno, "%s", path);
		if (is_same(path, fd)) {
			*ret_fd = viv_steal_fd(&fd);
			return 0;
		}
	}
	return viv_error_say(err, EAGAIN, "%s comes and goes", path);
}

static int empty_dir(const char *path, struct viv_error *err)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return viv_error_set(err, errno, "%s", path);
	while (r == 0 && (e = readdir(dir))) {
		VIV_FREE char *full = NULL;

		if (viv_streq(e->d_name, ".") || viv_streq(e->d_name, ".."))
			continue;
		full = viv_path_join(path, e->d_name);
		r = viv_sandbox_remove_tree(full, err);
	}
	closedir(dir);
	return r;
}

static int take(const char *runtime, const char *name, struct viv_machine_dir *ret,
		struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(runtime, name);
	VIV_FD lock = -1;
	int r = lock_dir(path, &lock, err);

	if (r == 0)
		r = empty_dir(path, err);
	if (r < 0)
		return r;
	ret->name = viv_strdup(name);
	ret->path = viv_steal(path);
	ret->lock = viv_steal_fd(&lock);
	return 0;
}

int viv_machine_dir_take(const char *runtime, const char *name, bool exact,
			 struct viv_machine_dir *ret, struct viv_error *err)
{
	int r = viv_machine_name_check(name, err);

	if (r == 0)
		r = take(runtime, name, ret, err);
	if (r == -EBUSY && exact)
		return viv_error_say(err, EBUSY, "a machine named %s is running", name);
	for (int i = 2; r == -EBUSY && i <= VIV_MACHINES_MAX; i++) {
		VIV_FREE char *end = viv_asprintf("-%d", i);
		VIV_FREE char *next =
			viv_asprintf("%.*s%s", VIV_MACHINE_NAME_MAX - (int)strlen(end), name, end);

		r = take(runtime, next, ret, err);
	}
	if (r == -EBUSY)
		viv_error_say(err, EBUSY, "%d machines named %s are running", VIV_MACHINES_MAX, name);
	return r;
}

void viv_machine_dirs_of(const char *runtime, pid_t pid, struct viv_strv *ret)
{
	DIR *dir = opendir(runtime);
	struct dirent *e;
	uint64_t n;

	while (dir && (e = readdir(dir))) {
		VIV_FREE char *path = viv_asprintf("%s/%s/pid", runtime, e->d_name);
		VIV_STR text = VIV_STR_INIT;

		if (viv_machine_name_is_valid(e->d_name) && viv_read_file(path, 64, &text, NULL) == 0 && text.len &&
		    viv_slice_u64((struct viv_slice){text.data, strcspn(text.data, " ")}, INT32_MAX, &n) &&
		    (pid_t)n == pid)
			viv_strv_push(ret, e->d_name);
	}
	if (dir)
		closedir(dir);
}

void viv_machine_dir_release(struct viv_machine_dir *d)
{
	if (d->path)
		viv_sandbox_remove_tree(d->path, NULL);
	free(d->name);
	free(d->path);
	viv_close(d->lock);
	*d = VIV_MACHINE_DIR_INIT;
}
