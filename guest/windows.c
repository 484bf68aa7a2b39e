/* SPDX-License-Identifier: MIT */
#include "windows.h"

#include "x11.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WINDOWS_MAX 16384 /* below the root that are looked at; the host takes no more */
#define DEPTH_MAX   64
#define REFUSED	    2	  /* status */
#define FILE_MAX    65536 /* bytes of a command line, of an Xauthority file */

struct text {
	char *data;
	size_t len, cap;
};

struct display {
	int fd;
	uint16_t sequence; /* of the last request */
	uint32_t root, name_atom;
	bool changed;	   /* since the windows were looked at */
	unsigned seen;	   /* windows, this time */
	uint8_t *more;	   /* of the reply that came last */
	struct text names;
};

static bool read_all(int fd, void *data, size_t len)
{
	for (uint8_t *p = data; len;) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool write_all(int fd, const void *data, size_t len)
{
	for (const uint8_t *p = data; len;) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* False: no memory. */
static bool add(struct text *t, const char *data, size_t len)
{
	if (t->len + len > t->cap) {
		size_t cap = (t->len + len) * 2;
		char *more = realloc(t->data, cap);

		if (!more)
			return false;
		t->data = more;
		t->cap = cap;
	}
	if (len)
		memcpy(t->data + t->len, data, len);
	t->len += len;
	return true;
}

static bool is_same(const struct text *a, const struct text *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* What comes next, with what belongs to it in d->more. */
static bool receive(struct display *d, uint8_t packet[X11_PACKET], struct x11_packet *ret)
{
	if (!read_all(d->fd, packet, X11_PACKET) || !x11_parse(packet, ret))
		return false;
	free(d->more);
	d->more = ret->more ? malloc(ret->more) : NULL;
	if (ret->more && (!d->more || !read_all(d->fd, d->more, ret->more)))
		return false;
	d->changed |= ret->kind == X11_EVENT && x11_is_change(packet, d->name_atom);
	return true;
}

/* The reply to that request, or an error: packet[0] is 0 then. Events come between, and errors of what has no reply. */
static bool receive_reply(struct display *d, uint16_t sequence, uint8_t packet[X11_PACKET], struct x11_packet *ret)
{
	do {
		if (!receive(d, packet, ret))
			return false;
	} while (ret->kind == X11_EVENT || ret->sequence != sequence);
	return true;
}

/* A window can have gone meanwhile: then it is not shown. Children are the caller's to free. */
static bool look(struct display *d, uint32_t window, char name[X11_NAME_MAX + 1], bool *ret_shown, uint8_t **ret_children,
		 size_t *ret_n)
{
	uint8_t out[X11_REQUESTS_MAX], packet[X11_PACKET];
	uint16_t first = (uint16_t)(d->sequence + 2);
	char newer[X11_NAME_MAX + 1];
	struct x11_packet p;

	if (!write_all(d->fd, out, x11_put_look(out, window, d->name_atom)))
		return false;
	d->sequence = (uint16_t)(d->sequence + 1 + X11_ANSWERS);
	for (int i = 0; i < X11_ANSWERS; i++) {
		if (!receive_reply(d, (uint16_t)(first + i), packet, &p))
			return false;
		if (i == X11_ATTRIBUTES)
			*ret_shown = x11_is_shown(packet);
		else if (i == X11_OLD_NAME)
			x11_get_name(packet, d->more, p.more, name);
		else if (i == X11_NAME && x11_get_name(packet, d->more, p.more, newer))
			memcpy(name, newer, sizeof(newer));
	}
	*ret_n = x11_get_children(packet, p.more);
	*ret_children = d->more;
	d->more = NULL;
	return true;
}

/* What is in a window that is not shown is not shown either. */
static bool visit(struct display *d, uint32_t window, unsigned depth)
{
	char name[X11_NAME_MAX + 1] = "";
	uint8_t *children = NULL;
	size_t n = 0;
	bool shown = false, ok = look(d, window, name, &shown, &children, &n);

	if (ok && shown && *name)
		ok = add(&d->names, name, strlen(name)) && add(&d->names, "\n", 1);
	for (size_t i = 0; ok && shown && depth < DEPTH_MAX && i < n && d->seen < WINDOWS_MAX; i++) {
		d->seen++;
		ok = visit(d, x11_window(children, i), depth + 1);
	}
	free(children);
	return ok;
}

static int say(const char *what, const char *why, size_t len)
{
	fprintf(stderr, "%s%s", what, len ? ": " : "");
	for (size_t i = 0; i < len; i++)
		fputc((unsigned char)why[i] < 0x20 || why[i] == 0x7f ? ' ' : why[i], stderr);
	fputc('\n', stderr);
	return 1;
}

static int greet(struct display *d, struct x11_cookie cookie)
{
	uint8_t out[X11_REQUESTS_MAX], packet[X11_PACKET], *rest;
	struct x11_packet p;
	const char *why = "";
	size_t len, why_len = 0;
	bool ok;

	if (!write_all(d->fd, out, x11_put_setup(out, cookie)) || !read_all(d->fd, packet, X11_HEAD))
		return say("the X server has gone", NULL, 0);
	len = x11_setup_rest(packet);
	rest = malloc(len + 1);
	ok = rest && read_all(d->fd, rest, len) && x11_setup_root(packet, rest, len, &d->root, &why, &why_len);
	if (!ok)
		say("the X server does not take us", why, why_len);
	free(rest);
	if (!ok)
		return REFUSED;
	d->sequence = 1;
	return write_all(d->fd, out, x11_put_atom(out, "_NET_WM_NAME")) && receive_reply(d, 1, packet, &p) &&
			       x11_get_atom(packet, &d->name_atom)
		       ? 0
		       : say("the X server gives no answers", NULL, 0);
}

int windows_watch(int fd, const uint8_t *cookie, size_t len, int out)
{
	struct display d = {.fd = fd};
	struct text told = {0};
	bool ever = false, ok = true;
	int status = greet(&d, (struct x11_cookie){cookie, len});

	while (status == 0 && ok) {
		uint8_t packet[X11_PACKET];
		struct x11_packet p;

		d.changed = false;
		d.seen = 0;
		d.names.len = 0;
		ok = visit(&d, d.root, 0);
		if (ok && (!ever || !is_same(&d.names, &told))) {
			told.len = 0;
			ok = add(&told, d.names.data, d.names.len) && write_all(out, told.data, told.len) && write_all(out, "\n", 1);
			ever = true;
		}
		while (ok && !d.changed)
			ok = receive(&d, packet, &p);
	}
	free(d.more);
	free(d.names.data);
	free(told.data);
	return status ? status : say("the X server has gone", NULL, 0);
}

/* Its cookie */

/*
 * Anybody in the guest can listen where an X server does, and say where its cookie is. So from here on we may no more than who
 * listens: what he can't read is not read for him.
 */
static bool become(int fd, struct ucred *ret)
{
	socklen_t n = sizeof(*ret);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &n) < 0 || ret->uid == (uid_t)-1 || ret->gid == (gid_t)-1)
		return false;
	return geteuid() != 0 || (setgroups(0, NULL) == 0 && setresgid(ret->gid, ret->gid, ret->gid) == 0 &&
				  setresuid(ret->uid, ret->uid, ret->uid) == 0);
}

/* A device can do something already when it is opened, so what it is has to be known before. */
static int open_file(const char *path)
{
	int at = open(path, O_PATH | O_CLOEXEC), fd = -1;
	struct stat st;
	char again[32];

	if (at < 0)
		return -1;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", at);
	if (fstat(at, &st) == 0 && S_ISREG(st.st_mode))
		fd = open(again, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	close(at);
	return fd;
}

/* As much as there is, up to FILE_MAX; 0: nothing. */
static size_t read_file(const char *path, uint8_t *data)
{
	int fd = open_file(path);
	size_t len = 0;
	ssize_t n = 1;

	while (fd >= 0 && n > 0 && len < FILE_MAX) {
		n = read(fd, data + len, FILE_MAX - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return len;
}

/* Who listens there was told on its command line where its cookie is. */
static bool find_at_server(pid_t pid, char *path, size_t size)
{
	static char words[FILE_MAX + 1];
	char proc[32];
	size_t len;

	if (pid <= 0)
		return false;
	snprintf(proc, sizeof(proc), "/proc/%d/cmdline", (int)pid);
	len = read_file(proc, (uint8_t *)words);
	words[len] = '\0';
	for (const char *w = words; w < words + len; w += strlen(w) + 1) {
		const char *next = w + strlen(w) + 1;

		if (strcmp(w, "-auth") == 0 && next < words + len && strlen(next) < size) {
			snprintf(path, size, "%s", next);
			return true;
		}
	}
	return false;
}

/* False: it is not known who listens. */
static bool find_cookie(int fd, struct x11_cookie *ret)
{
	static uint8_t file[FILE_MAX];
	const char *named = getenv("XAUTHORITY"), *home = getenv("HOME");
	char path[4096] = "";
	struct ucred peer;
	size_t len;

	*ret = (struct x11_cookie){0};
	if (!become(fd, &peer))
		return false;
	if (!find_at_server(peer.pid, path, sizeof(path)))
		snprintf(path, sizeof(path), "%s%s", named ? named : home ? home : "", named ? "" : "/.Xauthority");
	len = read_file(path, file);
	x11_find_cookie(file, len, ret);
	return true;
}

int windows_main(const char *number)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct x11_cookie cookie;

	signal(SIGPIPE, SIG_IGN);
	snprintf(to.sun_path, sizeof(to.sun_path), "/tmp/.X11-unix/X%.10s", number);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return say(to.sun_path, strerror(errno), strlen(strerror(errno)));
	if (!find_cookie(fd, &cookie)) {
		say("who listens there is not known", strerror(errno), strlen(strerror(errno)));
		return REFUSED;
	}
	return windows_watch(fd, cookie.data, cookie.len, STDOUT_FILENO);
}
