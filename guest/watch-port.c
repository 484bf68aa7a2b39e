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
#define IDLE_MS	  1000

/* Not errnos. UNKNOWN: now. */
enum { CLOSED = -10, OPEN, UNKNOWN };

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
	/* The event comes before the socket can be found: the CPU that makes it may be stopped for long between the two. */
	w->idle_ms = IDLE_MS;
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

/* By the kernel's routes: bind(2) takes any address where net.ipv4.ip_nonlocal_bind is set. -1: it can't be asked now. */
static int is_here(const struct addrinfo *a)
{
	static const uint8_t any[16];
	const struct sockaddr_in6 *v6 = (const void *)a->ai_addr;
	int netlink, here;

	if (memcmp(ip_of(a), any, a->ai_family == AF_INET ? 4 : 16) == 0)
		return 1;
	netlink = netlink_open();
	if (netlink < 0)
		return -1;
	here = netlink_is_local(netlink, (uint8_t)a->ai_family, ip_of(a),
				a->ai_family == AF_INET6 ? v6->sin6_scope_id : 0);
	close(netlink);
	return here;
}

static int connects(const struct addrinfo *a)
{
	const struct timeval limit = {.tv_sec = CONNECT_S};
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -1;
	r = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
	    connect(fd, a->ai_addr, a->ai_addrlen) == 0;
	close(fd);
	return r;
}

/* 1: somebody is let in at the address; 0: nobody; -1: that can't be known now. Is it this guest's? */
static int lets_in_at(struct watch *w, struct port *p, const struct addrinfo *a, bool *ret_here)
{
	int here = p->local ? 1 : is_here(a);

	p->looked = a;
	*ret_here = here != 0;
	if (here < 0)
		return -1;
	if (here)
		return watch_sockets(w, p->udp, p->number, lets_in, p);
	watch_look_again(w);
	return p->udp ? 0 : connects(a);
}

/* Whether somebody is let in at one of the addresses; EINVAL: that can never be known. */
static int is_open(struct watch *w, struct port *p)
{
	bool any_here = false, known = true;

	for (const struct addrinfo *a = p->found; a; a = a->ai_next) {
		bool here;
		int r;

		if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
			continue;
		r = lets_in_at(w, p, a, &here);
		if (r > 0)
			return OPEN;
		known &= r == 0;
		any_here |= here;
	}
	if (!p->udp || any_here)
		return known ? CLOSED : UNKNOWN;
	/* While it boots, it may still get the address. */
	return access(BOOTED_FILE, F_OK) < 0 ? UNKNOWN
					     : watch_say(w, EINVAL, "%.200s: not an address of this guest's: of "
							"another's UDP ports nothing is known", p->address);
}

/* Each time: the name, or the address, may be this guest's only later. 0; UNKNOWN; EINVAL: there is no such name. */
static int resolve(struct watch *w, struct port *p)
{
	const struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	int r = getaddrinfo(p->local ? NULL : p->address, w->words[1], &want, &p->found);

	if (r == 0)
		return 0;
	p->found = NULL;
	return r == EAI_NONAME ? watch_say(w, EINVAL, "%.200s: the guest knows no such name", p->address) : UNKNOWN;
}

/* `open` is waited for, or its contrary. */
static int look(struct watch *w, bool open)
{
	struct port *p = w->own;
	int r = resolve(w, p);

	if (r == 0)
		r = is_open(w, p);
	else if (open)
		r = UNKNOWN; /* whoever listens there can still get the name */
	/*
	 * UDP has no event, nor has a kernel without the tracepoint. With it: it comes a moment before the socket can be found,
	 * and names and addresses have none of ours.
	 */
	if (!p->traced || !p->found || w->fresh || r == UNKNOWN)
		watch_look_again(w);
	if (p->found)
		freeaddrinfo(p->found);
	p->found = NULL;
	if (r != OPEN && r != CLOSED && r != UNKNOWN)
		return r;
	w->answer_len = 0;
	return r == (open ? OPEN : CLOSED) ? 0 : WATCH_NOT_YET;
}

int watch_port_look(struct watch *w)
{
	return look(w, true);
}

int watch_no_port_look(struct watch *w)
{
	return look(w, false);
}
