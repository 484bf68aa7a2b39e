/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* sock_diag(7): the same for the families, but for what they ask and what is in the answer. */

/* Of one message of an answer; true: that was it, no more is needed. */
typedef bool (*diag_fn)(const struct nlmsghdr *h, void *arg);

/* Calls fn for what is in one datagram. 1: that was it; 0: more follows; else -1, all was seen, or an errno from 2 up. */
static int take(const struct nlmsghdr *h, unsigned n, diag_fn fn, void *arg)
{
	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		const struct nlmsgerr *e = NLMSG_DATA(h);

		if (h->nlmsg_type == NLMSG_DONE)
			return -1;
		if (h->nlmsg_type == NLMSG_ERROR)
			return h->nlmsg_len >= NLMSG_LENGTH(sizeof(*e)) && e->error < -1 ? -e->error : EPROTO;
		if (fn(h, arg))
			return 1;
	}
	return 0;
}

/* Of a kernel without it (or where it may not be asked), not of a want of memory or descriptors. */
static bool is_lack(int code)
{
	return code == EPROTONOSUPPORT || code == EAFNOSUPPORT || code == EOPNOTSUPP || code == ENOENT ||
	       code == EINVAL || code == EPERM || code == EACCES;
}

/*
 * Asks for all that the request describes; *ret_found says whether fn has had enough. False: it can't be asked. A kernel
 * that lacks it is not asked a second time: it looks for a module each time, by modprobe.
 */
static bool diag(struct watch *w, const void *request, size_t len, diag_fn fn, void *arg, bool *ret_found)
{
	struct {
		struct nlmsghdr header;
		uint8_t body[128];
	} q = {.header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	static union {
		struct nlmsghdr header;
		uint8_t bytes[32 * 1024];
	} answer;
	int fd, r = 0;

	if (w->no_diag)
		return false;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	memcpy(q.body, request, len);
	if (fd < 0 || send(fd, &q, q.header.nlmsg_len, 0) < 0)
		r = errno;
	while (r == 0) {
		ssize_t n = recv(fd, &answer, sizeof(answer), 0);

		r = n >= 0 ? take(&answer.header, (unsigned)n, fn, arg) : errno == EINTR ? 0 : errno;
	}
	if (fd >= 0)
		close(fd);
	*ret_found = r == 1;
	w->no_diag = is_lack(r);
	return r <= 1;
}

/* TCP and UDP */

struct search {
	watch_socket_fn fn;
	void *arg;
	uint16_t port;
	unsigned state;
};

/* Addresses of IPv4 in a socket of IPv6. */
static bool is_mapped(const uint8_t ip[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, 0xff};

	return memcmp(ip, prefix, sizeof(prefix)) == 0;
}

static bool found(struct search *s, struct watch_socket *socket)
{
	if (socket->family == AF_INET6 && is_mapped(socket->ip)) {
		socket->family = AF_INET;
		memcpy(socket->ip, socket->ip + 12, 4);
	}
	return s->fn(socket, s->arg);
}

static bool take_inet(const struct nlmsghdr *h, void *arg)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	struct watch_socket socket = {0};
	struct search *s = arg;
	int left = (int)h->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*m));

	if (left < 0 || ntohs(m->id.idiag_sport) != s->port)
		return false;
	socket.family = m->idiag_family;
	memcpy(socket.ip, m->id.idiag_src, socket.family == AF_INET ? 4 : 16);
	for (const struct rtattr *a = (const struct rtattr *)(m + 1); RTA_OK(a, left);
	     a = RTA_NEXT(a, left))
		if (a->rta_type == INET_DIAG_SKV6ONLY && RTA_PAYLOAD(a) >= 1)
			socket.only_v6 = *(const uint8_t *)RTA_DATA(a) != 0;
	return found(s, &socket);
}

/*
 * One of /proc/net's tables: "0: 0100007F:0016 00000000:0000 0A …"; the address in words of the CPU's order. It does not
 * tell what is IPV6_V6ONLY. 1: one was it; 0: none; -1: it can't be read.
 */
static int read_table(const char *path, int family, struct search *s)
{
	FILE *f = fopen(path, "re");
	bool was_it = false;
	char line[512];

	if (!f)
		return family == AF_INET6 && errno == ENOENT ? 0 : -1; /* without IPv6 there is none */
	while (!was_it && fgets(line, sizeof(line), f)) {
		struct watch_socket socket = {.family = family};
		unsigned port, state;
		char ip[33];

		if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[^ ] %x", ip, &port, &state) != 3 ||
		    port != s->port || state != s->state || strlen(ip) != (family == AF_INET ? 8 : 32))
			continue;
		for (unsigned i = 0; ip[i * 8]; i++) {
			uint32_t word;

			sscanf(ip + i * 8, "%8x", &word);
			memcpy(socket.ip + i * 4, &word, 4);
		}
		was_it = found(s, &socket);
	}
	fclose(f);
	return was_it;
}

static int sockets_of(struct watch *w, int family, bool udp, struct search *s)
{
	const struct inet_diag_req_v2 q = {.sdiag_family = (uint8_t)family,
					   .sdiag_protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
					   .idiag_states = 1u << s->state,
					   .id.idiag_sport = htons(s->port)};
	char path[32];
	bool was_it;

	if (diag(w, &q, sizeof(q), take_inet, s, &was_it))
		return was_it;
	snprintf(path, sizeof(path), "/proc/net/%s%s", udp ? "udp" : "tcp", family == AF_INET ? "" : "6");
	return read_table(path, family, s);
}

int watch_sockets(struct watch *w, bool udp, uint16_t port, watch_socket_fn fn, void *arg)
{
	/* A socket of UDP that takes from anybody is in TCP_CLOSE. */
	struct search s = {fn, arg, port, udp ? TCP_CLOSE : TCP_LISTEN};
	int v4 = sockets_of(w, AF_INET, udp, &s), v6 = v4 == 1 ? 0 : sockets_of(w, AF_INET6, udp, &s);

	return v4 == 1 || v6 == 1 ? 1 : v4 < 0 || v6 < 0 ? -1 : 0;
}

/* Sockets with a file */

struct unix_search {
	uint8_t type;
	uint32_t inode, device;
	const char *path;
};

/* The kernel's own number of the device: 12 bits for the major one, 20 for the minor one. */
static uint32_t kernel_device(dev_t d)
{
	return (uint32_t)(major(d) << 20 | minor(d));
}

/* By its file (not so on overlayfs, where stat(2) tells other numbers), or by the name that it was bound to. */
static bool is_the_one(const struct rtattr *a, const struct unix_search *s)
{
	const struct unix_diag_vfs *v = RTA_DATA(a);
	size_t len = RTA_PAYLOAD(a);

	if (a->rta_type == UNIX_DIAG_VFS && len >= sizeof(*v))
		return v->udiag_vfs_ino == s->inode && v->udiag_vfs_dev == s->device;
	while (a->rta_type == UNIX_DIAG_NAME && len && ((const char *)RTA_DATA(a))[len - 1] == '\0')
		len--;
	return a->rta_type == UNIX_DIAG_NAME && len == strlen(s->path) &&
	       memcmp(RTA_DATA(a), s->path, len) == 0;
}

static bool take_unix(const struct nlmsghdr *h, void *arg)
{
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	const struct unix_search *s = arg;
	int left = (int)h->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*m));

	if (left < 0 || m->udiag_type != s->type)
		return false;
	for (const struct rtattr *a = (const struct rtattr *)(m + 1); RTA_OK(a, left);
	     a = RTA_NEXT(a, left))
		if (is_the_one(a, s))
			return true;
	return false;
}

/* "address: 00000002 00000000 00010000 0001 01 12345 /run/x": flags (it listens), type, state, path. */
static bool read_unix(int type, const char *path)
{
	FILE *f = fopen("/proc/net/unix", "re");
	bool was_it = false;
	char line[512];

	while (f && !was_it && fgets(line, sizeof(line), f)) {
		unsigned flags, its;
		int at = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*[^:]: %*x %*x %x %x %*x %*u %n", &flags, &its, &at) == 2 && at &&
		    its == (unsigned)type && (type == SOCK_DGRAM || flags & 0x10000))
			was_it = strcmp(line + at, path) == 0;
	}
	if (f)
		fclose(f);
	return was_it;
}

bool watch_unix_socket(struct watch *w, int type, const struct stat *st, const char *path)
{
	const struct unix_diag_req q = {.sdiag_family = AF_UNIX,
					.udiag_states = type == SOCK_DGRAM ? ~0u : 1u << TCP_LISTEN,
					.udiag_show = UDIAG_SHOW_VFS | UDIAG_SHOW_NAME};
	struct unix_search s = {(uint8_t)type, (uint32_t)st->st_ino, kernel_device(st->st_dev), path};
	bool was_it;

	return diag(w, &q, sizeof(q), take_unix, &s, &was_it) ? was_it : read_unix(type, path);
}
