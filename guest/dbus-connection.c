/* SPDX-License-Identifier: MIT */
#include "dbus-connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void dbus_disconnect(struct dbus_connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->len = c->skip = 0;
}

static bool send_all(struct dbus_connection *c, const void *data, size_t len)
{
	return send(c->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* More input; without `wait` what is there. 1: some came; 0: none is there; -1: the connection has ended. */
static int receive(struct dbus_connection *c, bool wait)
{
	ssize_t n;

	do
		n = recv(c->fd, c->in + c->len, sizeof(c->in) - c->len, wait ? 0 : MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : -1;
	c->len += (size_t)n;
	return 1;
}

void dbus_drop(struct dbus_connection *c, size_t n)
{
	c->len -= n;
	memmove(c->in, c->in + n, c->len);
}

/* SASL's EXTERNAL: we are who the socket says we are. Its answer is lines, of which the first decides. */
static bool authenticate(struct dbus_connection *c)
{
	char id[24], text[96];
	int n = snprintf(id, sizeof(id), "%lu", (unsigned long)geteuid()), len = 0;

	text[len++] = '\0';
	len += snprintf(text + len, sizeof(text) - (size_t)len, "AUTH EXTERNAL ");
	for (int i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%02x", (unsigned)id[i]);
	len += snprintf(text + len, sizeof(text) - (size_t)len, "\r\nBEGIN\r\n");
	if (!send_all(c, text, (size_t)len))
		return false;
	for (;;) {
		const uint8_t *end = memchr(c->in, '\n', c->len);

		if (end) {
			bool ok = c->len > 3 && memcmp(c->in, "OK ", 3) == 0;

			dbus_drop(c, (size_t)(end - c->in) + 1);
			return ok;
		}
		if (c->len > 1024 || receive(c, true) < 0)
			return false;
	}
}

bool dbus_connect(struct dbus_connection *c, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if ((size_t)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path) >= sizeof(addr.sun_path))
		return false;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return c->fd >= 0 && connect(c->fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 && authenticate(c);
}

/*
 * Takes one message off the input: its length, with *ret filled in; it stays where it is until it is dropped. 0: it is
 * not complete. -1: no message.
 */
static ssize_t next_message(struct dbus_connection *c, struct dbus_message *ret)
{
	size_t n = c->skip < c->len ? c->skip : c->len;

	dbus_drop(c, n);
	c->skip -= n;
	if (c->len < DBUS_FIXED)
		return 0;
	n = dbus_length(c->in);
	if (n > sizeof(c->in)) { /* some signal */
		c->skip = n;
		c->on_signal(NULL, c->arg);
		return next_message(c, ret);
	}
	if (n == 0)
		return -1;
	if (c->len < n)
		return 0;
	return dbus_parse(c->in, n, ret) ? (ssize_t)n : -1;
}

int dbus_take_signals(struct dbus_connection *c)
{
	struct dbus_message m;
	ssize_t n;
	int r;

	do {
		r = receive(c, false);
		while ((n = next_message(c, &m)) > 0) {
			if (m.type == DBUS_SIGNAL)
				c->on_signal(&m, c->arg);
			dbus_drop(c, (size_t)n);
		}
		if (n < 0)
			return -1;
	} while (r > 0);
	return r;
}

ssize_t dbus_ask(struct dbus_connection *c, const struct dbus_call *call, struct dbus_message *ret)
{
	uint8_t out[DBUS_CALL_MAX];
	size_t len = dbus_put_call(out, ++c->serial, call);
	ssize_t n;

	if (len == 0 || !send_all(c, out, len))
		return -1;
	for (;;) {
		while ((n = next_message(c, ret)) > 0) {
			if ((ret->type == DBUS_RETURN || ret->type == DBUS_ERROR) && ret->reply_serial == c->serial)
				return n;
			if (ret->type == DBUS_SIGNAL)
				c->on_signal(ret, c->arg);
			dbus_drop(c, (size_t)n);
		}
		if (n < 0 || receive(c, true) < 0)
			return -1;
	}
}
