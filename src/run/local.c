/* SPDX-License-Identifier: MIT */
#include "run/local.h"

#include "base/fd.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * O_NONBLOCK belongs to the open file, which we share with whoever gave it to us: a shell whose
 * terminal became non-blocking is broken. Pipes and terminals can be opened a second time.
 */
static int open_anew(int fd, bool write)
{
	VIV_FREE char *path = viv_asprintf("/proc/self/fd/%d", fd);

	return open(path, (write ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void local_open(struct local *l, int fd, bool write)
{
	struct stat st;
	int flags;

	*l = (struct local){.fd = fd, .theirs = fd, .restore = -1};
	if (fd < 0 || fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
		return;
	l->socket = write && S_ISSOCK(st.st_mode);
	flags = fcntl(fd, F_GETFL);
	if (l->socket || (flags & O_NONBLOCK))
		return;
	if (S_ISFIFO(st.st_mode) || isatty(fd)) {
		int anew = open_anew(fd, write);

		if (anew >= 0) {
			l->fd = anew;
			return;
		}
	}
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
		l->restore = flags;
}

void local_close(struct local *l)
{
	viv_source_remove(l->source);
	l->source = NULL;
	l->events = 0;
	if (l->restore >= 0)
		fcntl(l->theirs, F_SETFL, l->restore);
	if (l->fd != l->theirs)
		viv_close(l->fd);
	l->fd = l->theirs = l->restore = -1;
}

int local_watch(struct local *l, struct viv_loop *loop, uint32_t events, viv_io_fn fn, void *arg,
		struct viv_error *err)
{
	int r = 0;

	if (l->fd < 0 || l->events == events)
		return 0;
	/* Not viv_source_set_events: with no events it would still report a hang-up, for ever. */
	viv_source_remove(l->source);
	l->source = NULL;
	l->events = 0;
	if (events)
		r = viv_loop_add_io(loop, l->fd, events, fn, arg, &l->source, err);
	if (r == 0)
		l->events = events;
	return r;
}

void sink_open(struct sink *s, int fd)
{
	*s = (struct sink){.pending = VIV_STR_INIT};
	local_open(&s->local, fd, true);
}

void sink_shut(struct sink *s)
{
	s->closed = true;
	s->pending_at = 0;
	viv_str_free(&s->pending);
}

void sink_close(struct sink *s)
{
	sink_shut(s);
	local_close(&s->local);
}

bool sink_is_empty(const struct sink *s)
{
	return s->pending.len == 0;
}

static size_t write_now(struct sink *s, const char *data, size_t len, int *ret_code)
{
	size_t at = 0;

	*ret_code = 0;
	while (at < len && !s->closed) {
		ssize_t n = s->local.socket ? send(s->local.fd, data + at, len - at,
						   MSG_DONTWAIT | MSG_NOSIGNAL)
					    : write(s->local.fd, data + at, len - at);

		if (n >= 0) {
			at += (size_t)n;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			*ret_code = errno;
			sink_shut(s);
		}
	}
	return at;
}

size_t sink_write(struct sink *s, const char *data, size_t len, int *ret_code)
{
	size_t n = 0;

	*ret_code = 0;
	if (sink_is_empty(s))
		n = write_now(s, data, len, ret_code);
	if (s->closed || n == len)
		return n;
	/* Not moved for every few bytes. */
	if (s->pending_at > s->pending.len / 2) {
		viv_str_drop(&s->pending, s->pending_at);
		s->pending_at = 0;
	}
	viv_str_add_bytes(&s->pending, data + n, len - n);
	return n;
}

size_t sink_flush(struct sink *s, int *ret_code)
{
	size_t n = write_now(s, s->pending.data + s->pending_at, s->pending.len - s->pending_at,
			     ret_code);

	if (s->closed)
		return n;
	s->pending_at += n;
	if (s->pending_at == s->pending.len) {
		viv_str_clear(&s->pending);
		s->pending_at = 0;
	}
	return n;
}
