/* SPDX-License-Identifier: MIT */
#include "run/state.h"

#include "base/fd.h"

#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (256u << 10) /* a turn of the loop's */

struct viv_state_transfer {
	int socket, file; /* the file is the caller's */
	struct viv_source *source;
	uint64_t bytes, max;
	size_t at, len; /* of the chunk that is being sent */
	viv_state_done_fn done;
	void *arg;
	char chunk[CHUNK];
};

uint64_t viv_state_bytes(const struct viv_state_transfer *t)
{
	return t->bytes;
}

static void stop(struct viv_state_transfer *t)
{
	viv_source_remove(viv_steal(t->source));
	t->socket = viv_close(t->socket);
}

void viv_state_free(struct viv_state_transfer *t)
{
	if (!t)
		return;
	stop(t);
	free(t);
}

static void finish(struct viv_state_transfer *t, int code)
{
	stop(t);
	t->done(t, code, t->arg);
}

/* 0, or a negative errno. */
static int write_chunk(struct viv_state_transfer *t, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = pwrite(t->file, t->chunk + at, len - at, (off_t)t->bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (size_t)n;
		t->bytes += (size_t)n;
	}
	return 0;
}

static int on_readable(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_state_transfer *t = arg;
	ssize_t n = recv(fd, t->chunk, CHUNK, MSG_DONTWAIT);
	int code;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		finish(t, n < 0 ? -EPIPE : 0);
		return 0;
	}
	code = (uint64_t)n > t->max - t->bytes ? -EFBIG : write_chunk(t, (size_t)n);
	if (code < 0)
		finish(t, code);
	return 0;
}

/* False: the file is at its end, or can't be read: then it is over. */
static bool read_chunk(struct viv_state_transfer *t)
{
	ssize_t n;

	do
		n = pread(t->file, t->chunk, CHUNK, (off_t)t->bytes);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		finish(t, n < 0 ? -errno : 0);
		return false;
	}
	t->at = 0;
	t->len = (size_t)n;
	return true;
}

static int on_writable(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_state_transfer *t = arg;
	ssize_t n;

	if (t->at == t->len && !read_chunk(t))
		return 0;
	n = send(fd, t->chunk + t->at, t->len - t->at, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		finish(t, -EPIPE);
		return 0;
	}
	t->at += (size_t)n;
	t->bytes += (size_t)n;
	return 0;
}

static int begin(struct viv_loop *loop, struct viv_state_transfer *transfer, uint32_t events, viv_io_fn fn,
		 int *ret_theirs, struct viv_state_transfer **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_state_freep) struct viv_state_transfer *t = transfer;
	int fds[2], r;

	t->socket = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return viv_error_set(err, errno, "socketpair");
	t->socket = fds[0];
	r = viv_loop_add_io(loop, t->socket, events, fn, t, &t->source, err);
	if (r < 0) {
		viv_close(fds[1]);
		return r;
	}
	*ret_theirs = fds[1];
	*ret = viv_steal(t);
	return 0;
}

int viv_state_take(struct viv_loop *loop, int file, uint64_t max, viv_state_done_fn done, void *arg, int *ret_theirs,
		   struct viv_state_transfer **ret, struct viv_error *err)
{
	struct viv_state_transfer *t = viv_new(struct viv_state_transfer);

	t->file = file;
	t->max = max;
	t->done = done;
	t->arg = arg;
	return begin(loop, t, EPOLLIN, on_readable, ret_theirs, ret, err);
}

int viv_state_give(struct viv_loop *loop, int file, viv_state_done_fn done, void *arg, int *ret_theirs,
		   struct viv_state_transfer **ret, struct viv_error *err)
{
	struct viv_state_transfer *t = viv_new(struct viv_state_transfer);

	t->file = file;
	t->done = done;
	t->arg = arg;
	return begin(loop, t, EPOLLOUT, on_writable, ret_theirs, ret, err);
}
