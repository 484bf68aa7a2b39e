/* SPDX-License-Identifier: MIT */
#include "run/keyboard.h"

#include "base/fd.h"
#include "base/str.h"

#include <signal.h>
#include <unistd.h>

#define CHUNK	    1024u
#define WAITING_MAX (1u << 20) /* typed ahead on a terminal; more is dropped */

struct viv_keyboard {
	struct viv_keyboard_spec spec;
	struct viv_terminal terminal;
	struct viv_escape escape;
	struct viv_source *keys, *room, *resize;
	int pipe[2];	      /* -1 with `typed` */
	bool person; /* a terminal: read also when there is no room, for the keys that are ours */
	struct viv_str waiting; /* for room in the pipe */
};

int viv_keyboard_fd(const struct viv_keyboard *k)
{
	return k->pipe[0];
}

static void close_pipe(struct viv_keyboard *k)
{
	viv_source_remove(k->room);
	k->room = NULL;
	k->pipe[1] = viv_close(k->pipe[1]);
}

/* What does not fit waits, and the keys with it. */
static void write_pipe(struct viv_keyboard *k)
{
	while (k->waiting.len && k->pipe[1] >= 0) {
		ssize_t n = write(k->pipe[1], k->waiting.data, k->waiting.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			close_pipe(k);
		if (n < 0)
			break;
		viv_str_drop(&k->waiting, (size_t)n);
	}
	if (!k->keys && !k->waiting.len)
		close_pipe(k); /* the end of the keys has come before */
	if (k->room)
		viv_source_set_events(k->room, k->waiting.len ? EPOLLOUT : 0, NULL);
	if (k->keys)
		viv_source_set_events(k->keys, k->waiting.len && !k->person ? 0 : EPOLLIN, NULL);
}

static int on_room(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_keyboard *k = arg;

	if (events & (EPOLLERR | EPOLLHUP))
		close_pipe(k);
	else
		write_pipe(k);
	return 0;
}

static void on_typed(struct viv_keyboard *k, const char *data, size_t len)
{
	char out[2 * CHUNK];
	size_t n;
	bool end = false;

	if (k->spec.plain)
		memcpy(out, data, n = len);
	else
		end = viv_escape_feed(&k->escape, data, len, out, &n);
	if (k->spec.typed) {
		k->spec.typed(out, n, k->spec.arg);
	} else if (k->pipe[1] >= 0) {
		viv_str_add_bytes(&k->waiting, out, VIV_MIN(n, WAITING_MAX - k->waiting.len));
		write_pipe(k);
	}
	if (end)
		k->spec.cut_off(k->spec.arg);
}

static int on_keys(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_keyboard *k = arg;
	char chunk[CHUNK];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n > 0) {
		on_typed(k, chunk, (size_t)n);
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		viv_source_remove(s);
		k->keys = NULL;
		if (!k->waiting.len)
			close_pipe(k);
	}
	return 0;
}

static int on_resize(struct viv_source *s, int signo, void *arg)
{
	struct viv_keyboard *k = arg;
	unsigned short rows, columns;

	viv_terminal_size(k->spec.out_fd, &rows, &columns);
	k->spec.resized(rows, columns, k->spec.arg);
	return 0;
}

static int open_pipe(struct viv_keyboard *k, struct viv_loop *loop, struct viv_error *err)
{
	int r = viv_pipe(k->pipe, err);

	if (r == 0)
		r = viv_set_nonblocking(k->pipe[1], true, err);
	if (r == 0)
		r = viv_loop_add_io(loop, k->pipe[1], 0, on_room, k, &k->room, err);
	return r;
}

int viv_keyboard_new(struct viv_loop *loop, const struct viv_keyboard_spec *spec,
		     struct viv_keyboard **ret, struct viv_error *err)
{
	struct viv_keyboard *k = viv_new(struct viv_keyboard);
	int r = 0;

	k->spec = *spec;
	k->terminal = VIV_TERMINAL_INIT;
	k->escape = VIV_ESCAPE_INIT(spec->escape);
	k->pipe[0] = k->pipe[1] = -1;
	if (!spec->typed)
		r = open_pipe(k, loop, err);
	k->person = isatty(spec->fd) && !spec->plain;
	if (r == 0 && k->person)
		r = viv_terminal_raw(spec->fd, &k->terminal, err);
	if (r == 0)
		r = viv_loop_add_io(loop, spec->fd, EPOLLIN, on_keys, k, &k->keys, err);
	if (r == 0 && !spec->plain)
		r = viv_loop_add_signal(loop, SIGWINCH, on_resize, k, &k->resize, err);
	if (r < 0) {
		viv_keyboard_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

void viv_keyboard_stop(struct viv_keyboard *k)
{
	if (!k)
		return;
	viv_terminal_restore(&k->terminal);
	viv_source_remove(k->keys);
	viv_source_remove(k->resize);
	k->keys = k->resize = NULL;
}

void viv_keyboard_free(struct viv_keyboard *k)
{
	if (!k)
		return;
	viv_keyboard_stop(k);
	close_pipe(k);
	viv_close(k->pipe[0]);
	viv_str_free(&k->waiting);
	free(k);
}
