/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * The text of a virtual terminal, vcs(4), when it is another than the one whose mark the caller has: so no change is
 * missed between two watches. The kernel tells of changes by POLLPRI.
 */

#define TEXT_MAX  (VIV_PROTO_MAX_ANSWER - 32)
#define CELLS_MAX (128 * 1024)

struct tty {
	struct watch_path path; /* until the terminal is there */
	char name[24];		/* "/dev/vcsa1" */
	char terminal[24];	/* "/dev/tty1", which knows its size; the other's first two bytes end at 255 */
	int fd;
	uint64_t mark;
	bool marked;
};

int watch_tty_begin(struct watch *w)
{
	struct tty *t = calloc(1, sizeof(*t));
	const char *number = w->words[0];
	char *end = NULL;

	if (!t)
		return ENOMEM;
	w->own = t;
	t->fd = -1;
	if (strspn(number, "0123456789") != strlen(number) || strlen(number) > 2 || strtoul(number, NULL, 10) > 63)
		return watch_say(w, EINVAL, "%.100s: not a virtual terminal", number);
	snprintf(t->name, sizeof(t->name), "/dev/vcsa%s", number);
	snprintf(t->terminal, sizeof(t->terminal), "/dev/tty%s", number);
	if (w->n > 1) {
		t->mark = strtoull(w->words[1], &end, 16);
		t->marked = true;
		if (*end)
			return watch_say(w, EINVAL, "%.100s: not a mark", w->words[1]);
	}
	watch_path_begin(w, &t->path);
	return WATCH_NOT_YET;
}

/* FNV-1a: no secret, just another number for another text. */
static uint64_t hash(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 0x100000001b3;
	return h;
}

/* One row, without its blanks at the end. A cell is a character and its colours. */
static size_t add_row(char *text, size_t len, const uint8_t *cells, size_t columns)
{
	size_t end = len;

	for (size_t i = 0; i < columns && len < TEXT_MAX - 1; i++) {
		uint8_t c = cells[2 * i];

		text[len++] = c < ' ' || c > '~' ? ' ' : (char)c;
		if (text[len - 1] != ' ')
			end = len;
	}
	text[end++] = '\n';
	return end;
}

static size_t columns_of(const struct tty *t, size_t fallback)
{
	int fd = open(t->terminal, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct winsize size;
	bool known = fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col;

	if (fd >= 0)
		close(fd);
	return known ? size.ws_col : fallback;
}

static int read_text(const struct tty *t, char *text, size_t *ret_len)
{
	static uint8_t all[4 + 2 * CELLS_MAX];
	ssize_t n = pread(t->fd, all, sizeof(all), 0);
	size_t len = 0, at = 4, columns;

	if (n < 4)
		return n < 0 ? errno : EIO;
	for (columns = columns_of(t, all[1]); columns && at + 2 * columns <= (size_t)n && len < TEXT_MAX - 1;
	     at += 2 * columns)
		len = add_row(text, len, all + at, columns);
	*ret_len = len;
	return 0;
}

static bool is_there(struct watch *w, struct tty *t)
{
	if (t->fd >= 0)
		return true;
	if (watch_path_look(w, &t->path, t->name, NULL) == 0)
		t->fd = open(t->name, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0)
		return false;
	watch_path_end(w, &t->path);
	watch_add(w, t->fd, POLLPRI);
	return true;
}

int watch_tty_look(struct watch *w)
{
	struct tty *t = w->own;
	char text[TEXT_MAX];
	struct pollfd seen;
	uint64_t mark;
	size_t len = 0;
	int r;

	if (!is_there(w, t))
		return WATCH_NOT_YET;
	/* Polled for the first time before it is read: from then on the kernel notes changes. */
	seen = (struct pollfd){.fd = t->fd, .events = POLLPRI};
	poll(&seen, 1, 0);
	r = read_text(t, text, &len);
	if (r)
		return r;
	mark = hash(text, len);
	if (t->marked && mark == t->mark)
		return WATCH_NOT_YET;
	return watch_say(w, 0, "%016" PRIx64 "\n%.*s", mark, (int)len, text);
}
