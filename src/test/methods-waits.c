/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

/* Until it is so in the guest. */
static int wait_until(struct call *c, const char *kind, const char *const *words, const char *what)
{
	VIV_FREE char *answer = NULL;
	int code;

	call_step(c, "waiting for %s", what);
	code = methods_watch(c, kind, words, &answer);
	return code < 0 ? methods_watched(c, code, answer, what) : 0;
}

static int wait_for_port(struct call *c, bool open)
{
	int64_t port = call_int(c, 0, 0);
	bool udp = call_option_bool(c, "udp", false);
	const char *address = call_text(c, 1) ? call_text(c, 1) : call_option_text(c, "address");
	char number[16];
	const char *const words[] = {udp ? "udp" : "tcp", number, address ? address : "localhost", NULL};
	VIV_FREE char *what = viv_asprintf("%s port %s at %s to be %s", words[0], call_text(c, 0), words[2],
					   open ? "open" : "closed");

	if (port < 1 || port > 65535)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: a port is a number from 1 to 65535", c->method->name);
	if (!*words[2])
		return call_fail(c, VIV_VERDICT_ERROR, "%s: the address is empty", c->method->name);
	snprintf(number, sizeof(number), "%d", (int)port);
	return wait_until(c, open ? "port" : "no-port", words, what);
}

static int do_wait_for_open_port(struct call *c)
{
	return wait_for_port(c, true);
}

static int do_wait_for_closed_port(struct call *c)
{
	return wait_for_port(c, false);
}

/* A relative path has no folder that it could begin at. */
static int check_absolute(struct call *c, const char *path)
{
	return path[0] == '/' ? 0 : call_fail(c, VIV_VERDICT_ERROR, "%s: \"%s\" does not begin with /",
					      c->method->name, path);
}

static int do_wait_for_file(struct call *c)
{
	const char *path = call_text(c, 0);
	const char *const words[] = {path, NULL};
	VIV_FREE char *what = viv_asprintf("the file %s", path);

	return check_absolute(c, path) < 0 ? -1 : wait_until(c, "file", words, what);
}

static int do_wait_for_open_unix_socket(struct call *c)
{
	const char *path = call_text(c, 0);
	const char *const words[] = {path, call_option_bool(c, "is_datagram", false) ? "dgram" : "stream", NULL};
	VIV_FREE char *what = viv_asprintf("the socket %s", path);

	return check_absolute(c, path) < 0 ? -1 : wait_until(c, "unix", words, what);
}

const struct method methods_waits[] = {
	{"wait_for_open_port", "i?s", "(port, address, {timeout, address, udp})", "address:w udp:b early:b",
	 "waits until who connects to the port is let in, at localhost if nothing else is said", do_wait_for_open_port},
	{"wait_for_closed_port", "i?s", "(port, address, {timeout, address, udp})", "address:w udp:b early:b",
	 "waits until nobody is let in at the port", do_wait_for_closed_port},
	{"wait_for_file", "s", "(path, {timeout})", "early:b", "waits until something is there", do_wait_for_file},
	{"wait_for_open_unix_socket", "s", "(path, {timeout, is_datagram})", "is_datagram:b early:b",
	 "waits until a socket listens there", do_wait_for_open_unix_socket},
	{0},
};
