/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/*
 * A port is open when whoever connects to it at the address is let in: a socket listens there, at all addresses or at this
 * one. Nobody connects, for the service would notice: the kernel is asked. An address that is not this guest's
 * can only be connected to.
 */

#define CONNECT_S 5

struct port {
	bool udp, traced;
	bool local; /* localhost: whatever that is in /etc/hosts, or without one */
	uint16_t number;
	const char *address;
	struct addrinfo *found;	      /* what `address` means at this look */
	const struct addrinfo *looked; /* of these: the one that is being looked for */
};

int watch_port_begin(struct watch *w)
{
	struct port *p = calloc(1, sizeof(*p));
	unsigned long number = strtoul(w->words[1], NULL, 10);

	if (!p)
		return ENOMEM;
	w->own = p;
	p->udp = strcmp(w->words[0], "udp") == 0;
	if (!p->udp && strcmp(w->words[0], "tcp") != 0)
		return watch_say(w, EINVAL, "%.100s: neither tcp nor udp", w->words[0]);
	if (strspn(w->words[1], "0123456789") != strlen(w->words[1]) || number < 1 || number > 65535)
		return watch_say(w, EINVAL, "%.100s: not a port", w->words[1]);
	p->number = (uint16_t)number;
	p->address = w->n > 2 ? w->words[2] : "localhost";
	p->local = strcmp(p->address, "localhost") == 0;
	p->traced = !p->udp && watch_trace_listen(w);
	return WATCH_NOT_YET;
}

static const uint8_t *ip_of(const struct addrinfo *a)
{
	return a->ai_family == AF_INET6
		       ? ((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr.s6_addr
		       : (const uint8_t *)&((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr;
}

static bool lets_in(const struct watch_socket *s, void *arg)
{
	static const uint8_t any[16];
	const struct port *p = arg;
	const struct addrinfo *a = p->looked;

	if (memcmp(s->ip, any, s->family == AF_INET ? 4 : 16) == 0)
		return s->family == a->ai_family || (s->family == AF_INET6 && !s->only_v6);
	return s->family == a->ai_family &&
	       memcmp(s->ip, ip_of(a), s->family == AF_INET ? 4 : 16) == 0;
}

static bool is_here(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage address;
	bool here;

	memcpy(&address, a->ai_addr, a->ai_addrlen);
	((struct sockaddr_in *)(void *)&address)->sin_port = 0; /* in both families there */
	here = fd >= 0 && bind(fd, (const struct sockaddr *)&address, a->ai_addrlen) == 0;
	if (fd >= 0)
		close(fd);
	return here;
}

static bool connects(const struct addrinfo *a)
{
	const struct timeval limit = {.tv_sec = CONNECT_S};
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool r = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
		 connect(fd, a->ai_addr, a->ai_addrlen) == 0;

	if (fd >= 0)
		close(fd);
	return r;
}

static bool is_open(struct watch *w, struct port *p)
{
	for (p->looked = p->found; p->looked; p->looked = p->looked->ai_next) {
		const struct addrinfo *a = p->looked;

		if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
			continue;
		if (p->local || is_here(a)) {
			if (watch_sockets(w, p->udp, p->number, lets_in, p))
				return true;
			continue;
		}
		watch_look_again(w);
		if (!p->udp && connects(a))
			return true;
	}
	return false;
}

/* Whether the port is open: `open` is waited for. */
static int look(struct watch *w, bool open)
{
	const struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct port *p = w->own;
	bool is;

	/* Each time: the name, or the address, may be this guest's only later. */
	if (getaddrinfo(p->local ? NULL : p->address, w->words[1], &want, &p->found) != 0)
		p->found = NULL;
	is = is_open(w, p);
	/*
	 * UDP has no event, nor has a kernel without the tracepoint. With it: it comes a moment before the socket can be found,
	 * and names and addresses have none of ours.
	 */
	if (!p->traced || !p->found || w->fresh)
		watch_look_again(w);
	if (p->found)
		freeaddrinfo(p->found);
	p->found = NULL;
	return is == open ? 0 : WATCH_NOT_YET;
}

int watch_port_look(struct watch *w)
{
	return look(w, true);
}

int watch_no_port_look(struct watch *w)
{
	return look(w, false);
}
