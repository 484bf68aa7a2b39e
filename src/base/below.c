/* SPDX-License-Identifier: MIT */
#include "base/fd.h"
#include "base/path.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel asks for another try when something was renamed meanwhile. */
#define TRIES 64

static int look_up(int root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
			       .mode = flags & O_CREAT ? mode : 0,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

static int failed(const char *root, const char *path, struct viv_error *err)
{
	VIV_FREE char *full = viv_asprintf("%s/%s", root, path[0] == '/' ? path + 1 : path);

	if (errno == ENOSYS)
		return viv_error_say(err, ENOSYS,
				     "%s: this kernel has no openat2: Linux 5.6 or later is needed",
				     full);
	return viv_error_set(err, errno, "%s", full);
}

/* Opening a pipe waits, opening a device can do anything: neither is done to find out what it is. */
static int check_regular(int dir, const char *root, const char *path, int flags,
			 struct viv_error *err)
{
	VIV_FD fd = look_up(dir, path, O_PATH | (flags & O_NOFOLLOW), 0);
	struct stat st;

	if (fd < 0 && errno == ENOENT && flags & O_CREAT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(root, path, err);
	if (!S_ISREG(st.st_mode))
		return viv_error_say(err, EINVAL, "%s/%s: not a regular file", root, path);
	return 0;
}

int viv_open_below(const char *root, const char *path, int flags, mode_t mode,
		   struct viv_error *err)
{
	VIV_FD dir = viv_open(root, O_PATH | O_DIRECTORY, 0, err);
	int r = dir < 0 ? dir : 0, fd;

	if (r == 0 && !(flags & (O_PATH | O_DIRECTORY))) {
		r = check_regular(dir, root, path, flags, err);
		flags |= O_NONBLOCK;
	}
	if (r < 0)
		return r;
	fd = look_up(dir, path, flags, mode);
	return fd < 0 ? failed(root, path, err) : fd;
}

int viv_read_below(const char *root, const char *path, size_t max, struct viv_str *ret,
		   struct viv_error *err)
{
	VIV_FD fd = viv_open_below(root, path, O_RDONLY, 0, err);

	if (fd < 0)
		return fd;
	viv_str_clear(ret);
	return viv_read_to_end(fd, max, ret, path, err);
}

int viv_mkdir_below(const char *root, const char *path, mode_t mode, struct viv_error *err)
{
	VIV_FREE char *p = viv_path_clean(path[0] == '/' ? path + 1 : path);
	VIV_FD top = viv_open(root, O_PATH | O_DIRECTORY, 0, err), parent = -1;

	if (top < 0)
		return top;
	parent = fcntl(top, F_DUPFD_CLOEXEC, 3);
	for (char *name = p, *slash; name; name = slash) {
		int next;

		slash = strchr(name, '/');
		if (slash)
			*slash = '\0';
		if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
			return failed(root, p, err);
		next = look_up(top, p, O_PATH | O_DIRECTORY, 0);
		if (next < 0)
			return failed(root, p, err);
		viv_close(parent);
		parent = next;
		if (slash)
			*slash++ = '/';
	}
	return 0;
}
