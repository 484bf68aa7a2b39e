/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

/* Interfaces, addresses and routes through rtnetlink(7), whose requests the kernel answers at once. */

struct request {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
		struct rtmsg route;
		uint8_t body[256];
	};
};

static void *attribute(struct request *q, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((uint8_t *)q + NLMSG_ALIGN(q->header.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	q->header.nlmsg_len = NLMSG_ALIGN(q->header.nlmsg_len) + (uint32_t)RTA_ALIGN(a->rta_len);
	return a;
}

static struct request request(unsigned short type, unsigned short flags, size_t body)
{
	struct request q = {.header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(body),
				       .nlmsg_type = type,
				       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags}};

	return q;
}

union answer {
	struct nlmsghdr header;
	uint8_t bytes[4096];
};

/* The first message of the answer. 0 or a positive errno. */
static int exchange(int netlink, const struct request *q, union answer *ret)
{
	ssize_t n;

	if (send(netlink, q, q->header.nlmsg_len, 0) < 0)
		return errno;
	do
		n = recv(netlink, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	return NLMSG_OK(&ret->header, (size_t)n) ? 0 : EPROTO;
}

/* 0 or a positive errno. */
static int ask(int netlink, const struct request *q)
{
	const struct nlmsgerr *e;
	union answer answer;
	int r = exchange(netlink, q, &answer);

	e = NLMSG_DATA(&answer.header);
	if (r == 0 && (answer.header.nlmsg_type != NLMSG_ERROR ||
		       answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(*e))))
		r = EPROTO;
	return r ? r : -e->error;
}

int netlink_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

int netlink_flags(int netlink, unsigned link, unsigned flags)
{
	struct request q = request(RTM_NEWLINK, 0, sizeof(q.link));

	q.link = (struct ifinfomsg){.ifi_index = (int)link, .ifi_flags = flags, .ifi_change = IFF_UP};
	return ask(netlink, &q);
}

int netlink_rename(int netlink, unsigned link, const char *name)
{
	struct request q = request(RTM_NEWLINK, 0, sizeof(q.link));

	q.link = (struct ifinfomsg){.ifi_index = (int)link};
	attribute(&q, IFLA_IFNAME, name, strlen(name) + 1);
	return ask(netlink, &q);
}

/* Without waiting for whether somebody else has it (IPv6). */
static int set_address(int netlink, const struct net_item *a, bool there)
{
	struct request q = request(there ? RTM_NEWADDR : RTM_DELADDR,
				   there ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof(q.address));
	const uint32_t flags = IFA_F_NODAD | IFA_F_PERMANENT;
	size_t len = a->family == AF_INET ? 4 : 16;

	q.address = (struct ifaddrmsg){
		.ifa_family = a->family, .ifa_prefixlen = a->prefix, .ifa_index = a->link};
	attribute(&q, IFA_LOCAL, a->ip, len);
	attribute(&q, IFA_ADDRESS, a->ip, len);
	if (!there)
		return ask(netlink, &q);
	attribute(&q, IFA_FLAGS, &flags, sizeof(flags));
	if (a->family == AF_INET && a->prefix < 31) {
		uint32_t broadcast;

		memcpy(&broadcast, a->ip, 4);
		broadcast |= htonl(0xffffffffu >> a->prefix);
		attribute(&q, IFA_BROADCAST, &broadcast, 4);
	}
	return ask(netlink, &q);
}

static int set_gateway(int netlink, const struct net_item *g, bool there)
{
	struct request q = request(there ? RTM_NEWROUTE : RTM_DELROUTE,
				   there ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof(q.route));

	q.route = (struct rtmsg){.rtm_family = g->family,
				 .rtm_table = RT_TABLE_MAIN,
				 .rtm_protocol = RTPROT_STATIC,
				 .rtm_scope = RT_SCOPE_UNIVERSE,
				 .rtm_type = RTN_UNICAST};
	attribute(&q, RTA_GATEWAY, g->ip, g->family == AF_INET ? 4 : 16);
	if (g->link)
		attribute(&q, RTA_OIF, &g->link, sizeof(g->link));
	return ask(netlink, &q);
}

int netlink_set(int netlink, const struct net_item *item, bool there)
{
	return item->gateway ? set_gateway(netlink, item, there) : set_address(netlink, item, there);
}

bool netlink_is_local(int netlink, uint8_t family, const uint8_t *ip, unsigned link)
{
	struct request q = request(RTM_GETROUTE, 0, sizeof(q.route));
	const struct rtmsg *route;
	union answer answer;

	q.header.nlmsg_flags = NLM_F_REQUEST; /* the answer is enough */
	q.route = (struct rtmsg){.rtm_family = family, .rtm_dst_len = family == AF_INET ? 32 : 128};
	attribute(&q, RTA_DST, ip, family == AF_INET ? 4 : 16);
	if (link)
		attribute(&q, RTA_OIF, &link, sizeof(link));
	if (exchange(netlink, &q, &answer) || answer.header.nlmsg_type != RTM_NEWROUTE ||
	    answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(*route)))
		return false;
	route = NLMSG_DATA(&answer.header);
	return route->rtm_type == RTN_LOCAL || route->rtm_type == RTN_MULTICAST;
}
