/* SPDX-License-Identifier: MIT */
#include "base/fd.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int viv_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

int viv_open(const char *path, int flags, mode_t mode, struct viv_error *err)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return viv_error_set(err, errno, "%s", path);
	return fd;
}

int viv_write_all(int fd, const void *data, size_t len, const char *what, struct viv_error *err)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return viv_error_set(err, errno, "writing %s", what);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int viv_read_to_end(int fd, size_t max, struct viv_str *ret, const char *what,
		    struct viv_error *err)
{
	size_t chunk = 16384;

	for (;;) {
		ssize_t n = read(fd, viv_str_reserve(ret, chunk), chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return viv_error_set(err, errno, "reading %s", what);
		viv_str_added(ret, (size_t)n);
		if (n == 0)
			return 0;
		if (ret->len > max)
			return viv_error_say(err, EFBIG, "%s is larger than %zu bytes", what, max);
		if (chunk < 1 << 20)
			chunk *= 2;
	}
}

int viv_read_file(const char *path, size_t max, struct viv_str *ret, struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_RDONLY, 0, err);

	if (fd < 0)
		return fd;
	viv_str_clear(ret);
	return viv_read_to_end(fd, max, ret, path, err);
}

int viv_write_file(const char *path, const void *data, size_t len, mode_t mode,
		   struct viv_error *err)
{
	VIV_FREE char *tmp = viv_asprintf("%s.tmp-XXXXXX", path);
	VIV_FD fd = mkostemp(tmp, O_CLOEXEC);
	int r;

	if (fd < 0)
		return viv_error_set(err, errno, "%s", path);
	r = viv_write_all(fd, data, len, path, err);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0))
		r = viv_error_set(err, errno, "writing %s", path);
	if (r < 0)
		unlink(tmp);
	return r;
}

/* With data and holes in turn; returns 1 if the file system can't tell holes. */
static int copy_range(int from, int to, off_t start, off_t end, const char *what,
		      struct viv_error *err)
{
	static const size_t buf_size = 1 << 18;
	VIV_FREE char *buf = NULL;

	while (start < end) {
		off_t in = start, out = start;
		ssize_t n = buf ? -1
				: copy_file_range(from, &in, to, &out, (size_t)(end - start), 0);

		if (n <= 0) {
			if (!buf)
				buf = viv_malloc(buf_size);
			n = pread(from, buf, VIV_MIN(buf_size, (size_t)(end - start)), start);
			if (n < 0)
				return viv_error_set(err, errno, "reading %s", what);
			if (n == 0)
				return viv_error_say(err, EIO, "%s became shorter", what);
			for (ssize_t done = 0; done < n;) {
				ssize_t w = pwrite(to, buf + done, (size_t)(n - done),
						   start + done);

				if (w < 0)
					return viv_error_set(err, errno, "copying %s", what);
				done += w;
			}
		}
		start += n;
	}
	return 0;
}

int viv_copy_slice(int from, int to, off_t *at, off_t max, const char *what, struct viv_error *err)
{
	struct stat st;
	off_t data, hole;
	int r;

	if (fstat(from, &st) < 0)
		return viv_error_set(err, errno, "reading %s", what);
	data = *at < st.st_size ? lseek(from, *at, SEEK_DATA) : -1;
	if (*at >= st.st_size || (data < 0 && errno == ENXIO))
		return ftruncate(to, st.st_size) < 0 ? viv_error_set(err, errno, "copying %s", what) : 0;
	if (data < 0)
		data = *at;
	hole = lseek(from, data, SEEK_HOLE);
	if (hole < 0 || hole > st.st_size)
		hole = st.st_size;
	if (max < hole - data)
		hole = data + max;
	r = copy_range(from, to, data, hole, what, err);
	if (r < 0)
		return r;
	*at = hole;
	return 1;
}

int viv_copy_content(int from, int to, const char *what, struct viv_error *err)
{
	off_t at = 0;
	int r;

	do
		r = viv_copy_slice(from, to, &at, INT64_MAX, what, err);
	while (r > 0);
	return r;
}

static int change_flag(int fd, int get, int set, int flag, bool on, struct viv_error *err)
{
	int flags = fcntl(fd, get);

	if (flags < 0 || fcntl(fd, set, on ? flags | flag : flags & ~flag) < 0)
		return viv_error_set(err, errno, "cannot change descriptor %d", fd);
	return 0;
}

int viv_set_nonblocking(int fd, bool on, struct viv_error *err)
{
	return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on, err);
}

int viv_set_cloexec(int fd, bool on, struct viv_error *err)
{
	return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on, err);
}

static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int viv_accept(int listener, int *spare)
{
	int fd;

	if (*spare < 0)
		*spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = accept_one(listener);
	if (fd != -EMFILE && fd != -ENFILE)
		return fd;
	*spare = viv_close(*spare);
	viv_close(accept_one(listener));
	*spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd;
}

int viv_pipe(int ret_fds[2], struct viv_error *err)
{
	if (pipe2(ret_fds, O_CLOEXEC) < 0)
		return viv_error_set(err, errno, "cannot make a pipe");
	return 0;
}
