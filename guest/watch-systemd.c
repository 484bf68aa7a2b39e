/* SPDX-License-Identifier: MIT */
#include "dbus.h"
#include "watch.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/*
 * A unit of systemd's, over the socket that systemctl uses, too: D-Bus without a bus, so there is neither a name to
 * ask for nor a signal to subscribe to: all of them come. They only say that it is time to ask again.
 */

#define SOCKET	"systemd/private"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT	"org.freedesktop.systemd1.Unit"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define ROOT	"/org/freedesktop/systemd1"

#define WORD_MAX 64 /* a state's name */
#define JOBS_MS	 200

struct systemd {
	struct watch_path path; /* of the socket, until it is there */
	char socket[108];
	char name[300];
	int fd; /* -1: not connected */
	char unit[1024]; /* the unit's object */
	uint32_t serial; /* of the last call */
	bool changed;	 /* a signal has come that can mean another answer */
	bool jobs_ended; /* of whatever unit, since jobs_ms; at boot there are hundreds: see is_due */
	int64_t jobs_ms;
	size_t skip;	 /* bytes to come of a message too long to be one for us */
	size_t len;
	uint8_t in[64 * 1024];
};

/* As systemctl does it: "nginx" is nginx.service. */
static bool has_suffix(const char *name)
{
	static const char *const types[] = {".service", ".socket", ".target", ".mount",	 ".automount", ".swap",
					    ".device",	".path",   ".timer",  ".slice", ".scope"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i]) == 0)
			return true;
	return false;
}

int watch_systemd_begin(struct watch *w)
{
	struct systemd *s = calloc(1, sizeof(*s));
	const struct passwd *pw = w->n > 2 ? getpwnam(w->words[2]) : NULL;

	if (!s)
		return ENOMEM;
	w->own = s;
	s->fd = -1;
	snprintf(s->name, sizeof(s->name), "%s%s", w->words[0], has_suffix(w->words[0]) ? "" : ".service");
	if (w->n > 2 && !pw)
		return watch_say(w, ENOENT, "no user %.100s in the guest", w->words[2]);
	if (pw)
		snprintf(s->socket, sizeof(s->socket), "/run/user/%lu/" SOCKET, (unsigned long)pw->pw_uid);
	else
		snprintf(s->socket, sizeof(s->socket), "/run/" SOCKET);
	watch_path_begin(w, &s->path);
	return WATCH_NOT_YET;
}

/* The connection */

static void disconnect(struct watch *w, struct systemd *s)
{
	watch_remove(w, s->fd);
	close_fd(&s->fd);
	s->len = s->skip = 0;
	watch_path_begin(w, &s->path);
	watch_look_again(w); /* the socket may be there, and nobody listens */
}

static bool send_all(struct systemd *s, const void *data, size_t len)
{
	return send(s->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* More input; without `wait` what is there. 1: some came; 0: none is there; -1: the connection has ended. */
static int receive(struct systemd *s, bool wait)
{
	ssize_t n;

	do
		n = recv(s->fd, s->in + s->len, sizeof(s->in) - s->len, wait ? 0 : MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : -1;
	s->len += (size_t)n;
	return 1;
}

static void drop(struct systemd *s, size_t n)
{
	s->len -= n;
	memmove(s->in, s->in + n, s->len);
}

/* SASL's EXTERNAL: we are who the socket says we are. Its answer is lines, of which the first decides. */
static bool authenticate(struct systemd *s)
{
	char id[24], text[96];
	int n = snprintf(id, sizeof(id), "%lu", (unsigned long)geteuid()), len = 0;

	text[len++] = '\0';
	len += snprintf(text + len, sizeof(text) - (size_t)len, "AUTH EXTERNAL ");
	for (int i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%02x", (unsigned)id[i]);
	len += snprintf(text + len, sizeof(text) - (size_t)len, "\r\nBEGIN\r\n");
	if (!send_all(s, text, (size_t)len))
		return false;
	for (;;) {
		const uint8_t *end = memchr(s->in, '\n', s->len);

		if (end) {
			bool ok = s->len > 3 && memcmp(s->in, "OK ", 3) == 0;

			drop(s, (size_t)(end - s->in) + 1);
			return ok;
		}
		if (s->len > 1024 || receive(s, true) < 0)
			return false;
	}
}

static bool connect_to(struct systemd *s)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memcpy(addr.sun_path, s->socket, strlen(s->socket) + 1);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return s->fd >= 0 && connect(s->fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	       authenticate(s);
}

/* Messages */

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void take_signal(struct systemd *s, const struct dbus_message *m)
{
	if (dbus_is(m->member, "PropertiesChanged"))
		s->changed |= dbus_is(m->path, s->unit);
	else if (dbus_is(m->member, "Reloading"))
		s->changed = true;
	else if (!s->jobs_ended &&
		 (dbus_is(m->member, "JobRemoved") || dbus_is(m->member, "StartupFinished"))) {
		s->jobs_ended = true;
		s->jobs_ms = clock_ms();
	}
}

/*
 * Takes one message off the input: its length, with *ret filled in; it stays where it is until it is dropped. 0: it is
 * not complete. -1: no message.
 */
static ssize_t next_message(struct systemd *s, struct dbus_message *ret)
{
	size_t n = s->skip < s->len ? s->skip : s->len;

	drop(s, n);
	s->skip -= n;
	if (s->len < DBUS_FIXED)
		return 0;
	n = dbus_length(s->in);
	if (n > sizeof(s->in)) { /* some signal */
		s->skip = n;
		s->changed = true;
		return next_message(s, ret);
	}
	if (n == 0)
		return -1;
	if (s->len < n)
		return 0;
	return dbus_parse(s->in, n, ret) ? (ssize_t)n : -1;
}

/* Signals that have come. -1: the connection has ended. */
static int take_signals(struct systemd *s)
{
	struct dbus_message m;
	ssize_t n;
	int r;

	do {
		r = receive(s, false);
		while ((n = next_message(s, &m)) > 0) {
			if (m.type == DBUS_SIGNAL)
				take_signal(s, &m);
			drop(s, (size_t)n);
		}
		if (n < 0)
			return -1;
	} while (r > 0);
	return r;
}

/* Waits for the answer; the caller drops its bytes when it is done with it. Its length, or -1. */
static ssize_t call(struct systemd *s, const struct dbus_call *c, struct dbus_message *ret)
{
	uint8_t out[DBUS_CALL_MAX];
	size_t len = dbus_put_call(out, ++s->serial, c);
	ssize_t n;

	if (len == 0 || !send_all(s, out, len))
		return -1;
	for (;;) {
		while ((n = next_message(s, ret)) > 0) {
			if ((ret->type == DBUS_RETURN || ret->type == DBUS_ERROR) &&
			    ret->reply_serial == s->serial)
				return n;
			if (ret->type == DBUS_SIGNAL)
				take_signal(s, ret);
			drop(s, (size_t)n);
		}
		if (n < 0 || receive(s, true) < 0)
			return -1;
	}
}

/*
 * Questions: 0, or LOST where the connection has ended or the answer makes no sense, or the errno that the unit's own
 * name deserves.
 */
#define LOST (-2)

static int load_unit(struct watch *w, struct systemd *s)
{
	const struct dbus_call c = {ROOT, MANAGER, "LoadUnit", {s->name}};
	struct dbus_string path;
	struct dbus_message m;
	ssize_t n = call(s, &c, &m);
	int r = LOST;

	if (n < 0)
		return LOST;
	if (m.type == DBUS_ERROR) {
		if (!dbus_get_string(&m, &path))
			path = m.error;
		r = watch_say(w, EINVAL, "%.*s", (int)(path.len < 500 ? path.len : 500), path.data);
	} else if (dbus_get_string(&m, &path) && path.len < sizeof(s->unit)) {
		memcpy(s->unit, path.data, path.len);
		s->unit[path.len] = '\0';
		r = 0;
	}
	drop(s, (size_t)n);
	return r;
}

static int get_word(struct systemd *s, const char *property, char ret[WORD_MAX])
{
	const struct dbus_call c = {s->unit, PROPERTIES, "Get", {UNIT, property}};
	struct dbus_string word;
	struct dbus_message m;
	ssize_t n = call(s, &c, &m);
	int r = LOST;

	if (n < 0)
		return LOST;
	if (m.type == DBUS_RETURN && dbus_get_string(&m, &word) && word.len < WORD_MAX) {
		memcpy(ret, word.data, word.len);
		ret[word.len] = '\0';
		r = 0;
	}
	drop(s, (size_t)n);
	return r;
}

static int get_jobs(struct systemd *s, uint32_t *ret)
{
	const struct dbus_call c = {ROOT, PROPERTIES, "Get", {MANAGER, "NJobs"}};
	struct dbus_message m;
	ssize_t n = call(s, &c, &m);
	int r;

	if (n < 0)
		return LOST;
	r = m.type == DBUS_RETURN && dbus_get_number(&m, ret) ? 0 : LOST;
	drop(s, (size_t)n);
	return r;
}

/*
 * Inactive, or not there: for good, unless something is under way that may start or make it, whatever that is (as in
 * NixOS's tests).
 */
static int ask_inactive(struct watch *w, struct systemd *s)
{
	char state[WORD_MAX], load[WORD_MAX];
	uint32_t jobs;

	if (get_word(s, "LoadState", load) < 0 || get_jobs(s, &jobs) < 0 || get_word(s, "ActiveState", state) < 0)
		return LOST;
	if (strcmp(state, w->words[1]) == 0)
		return watch_say(w, 0, "%s", state);
	if (jobs)
		return WATCH_NOT_YET;
	if (strcmp(load, "loaded") != 0 && strcmp(load, "merged") != 0 && strcmp(load, "stub") != 0)
		return watch_say(w, ENOENT, "%s", load);
	return strcmp(state, "inactive") == 0 ? watch_say(w, ENOTRECOVERABLE, "%s", state) : WATCH_NOT_YET;
}

static int ask(struct watch *w, struct systemd *s)
{
	char state[WORD_MAX];

	s->changed = s->jobs_ended = false;
	if (get_word(s, "ActiveState", state) < 0)
		return LOST;
	if (strcmp(state, w->words[1]) == 0)
		return watch_say(w, 0, "%s", state);
	if (strcmp(state, "failed") == 0)
		return watch_say(w, ENOTRECOVERABLE, "%s", state);
	return strcmp(state, "inactive") == 0 ? ask_inactive(w, s) : WATCH_NOT_YET;
}

/* LOST, too, as long as systemd is not there, or executes itself anew. */
static int begin_connection(struct watch *w, struct systemd *s)
{
	int r;

	if (watch_path_look(w, &s->path, s->socket, NULL) != 0)
		return WATCH_NOT_YET;
	watch_path_end(w, &s->path);
	r = connect_to(s) ? load_unit(w, s) : LOST;
	if (r)
		return r;
	watch_add(w, s->fd, POLLIN);
	s->changed = true;
	return 0;
}

/* Jobs that have ended are asked about when there is a pause, or when there was none for long. */
static bool is_due(const struct watch *w, const struct systemd *s)
{
	return s->changed || (s->jobs_ended && (!w->woken || clock_ms() - s->jobs_ms >= JOBS_MS));
}

static int look(struct watch *w, struct systemd *s)
{
	int r = s->fd < 0 ? begin_connection(w, s) : 0;

	if (r)
		return r;
	/* After each answer, too: what came with it makes no event of its own. */
	for (r = take_signals(s); r == 0 && is_due(w, s); r = take_signals(s)) {
		int state = ask(w, s);

		if (state != WATCH_NOT_YET)
			return state;
	}
	if (r == 0 && s->jobs_ended)
		watch_look_again(w);
	return r < 0 ? LOST : WATCH_NOT_YET;
}

int watch_systemd_look(struct watch *w)
{
	int r = look(w, w->own);

	if (r != LOST)
		return r;
	disconnect(w, w->own);
	return WATCH_NOT_YET;
}
