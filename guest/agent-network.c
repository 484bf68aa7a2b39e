/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

/*
 * The networks of the guest, as NETWORK describes them: a line each, words apart. Interfaces are set
 * up through rtnetlink(7), whose requests the kernel answers at once; the rest is files.
 */

#define MAX_WORDS 32
#define FOLDER	  "/run/viv/"
#define HOSTS	  "/etc/hosts"
#define MARK	  "# other machines, as viv knows them: written anew when they change\n"
#define HOSTS_MAX (64 * 1024)

/* What is being set up. */
struct work {
	int netlink;
	unsigned link; /* interface that addresses are for; 0: none */
	FILE *resolv, *hosts, *sources;
	int code; /* the first failure */
};

static void failed(struct work *w, int code)
{
	if (code && !w->code)
		w->code = code;
}

/* rtnetlink */

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

/* 0 or a positive errno. */
static int ask(struct work *w, const struct request *q)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[4096];
	} answer;
	struct nlmsgerr *e = NLMSG_DATA(&answer.header);
	ssize_t n;

	if (send(w->netlink, q, q->header.nlmsg_len, 0) < 0)
		return errno;
	do
		n = recv(w->netlink, &answer, sizeof(answer), 0);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*e)) || answer.header.nlmsg_type != NLMSG_ERROR)
		return n < 0 ? errno : EPROTO;
	return -e->error;
}

static int set_flags(struct work *w, unsigned link, unsigned flags)
{
	struct request q = request(RTM_NEWLINK, 0, sizeof(q.link));

	q.link = (struct ifinfomsg){.ifi_index = (int)link, .ifi_flags = flags, .ifi_change = IFF_UP};
	return ask(w, &q);
}

static int rename_link(struct work *w, unsigned link, const char *name)
{
	struct request q = request(RTM_NEWLINK, 0, sizeof(q.link));

	q.link = (struct ifinfomsg){.ifi_index = (int)link};
	attribute(&q, IFLA_IFNAME, name, strlen(name) + 1);
	return ask(w, &q);
}

/* Links */

static bool has_mac(const char *name, const char *mac)
{
	char path[300], text[64] = "";
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/address", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return strcasecmp(text, mac) == 0;
}

static bool find_link(const char *mac, char ret_name[IF_NAMESIZE])
{
	DIR *dir = opendir("/sys/class/net");
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir))) {
		found = e->d_name[0] != '.' && strlen(e->d_name) < IF_NAMESIZE &&
			has_mac(e->d_name, mac);
		if (found)
			snprintf(ret_name, IF_NAMESIZE, "%.15s", e->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Whoever has the name already gets another one. */
static int free_name(struct work *w, const char *name)
{
	unsigned other = if_nametoindex(name);
	char spare[IF_NAMESIZE];

	if (!other)
		return 0;
	snprintf(spare, sizeof(spare), "other%u", other);
	set_flags(w, other, 0);
	return rename_link(w, other, spare);
}

/* link MAC NAME */
static int take_link(struct work *w, char **words, unsigned n)
{
	char name[IF_NAMESIZE];
	int r = 0;

	w->link = 0;
	if (n != 3 || !words[2][0] || strlen(words[2]) >= IF_NAMESIZE)
		return EINVAL;
	if (!find_link(words[1], name))
		return ENODEV;
	w->link = if_nametoindex(name);
	if (strcmp(name, words[2]) != 0) {
		r = free_name(w, words[2]);
		set_flags(w, w->link, 0);
		if (r == 0)
			r = rename_link(w, w->link, words[2]);
	}
	return r ? r : set_flags(w, w->link, IFF_UP);
}

static int parse_ip(const char *text, uint8_t ret[16], int *ret_family)
{
	*ret_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(*ret_family, text, ret) == 1 ? 0 : EINVAL;
}

/* address IP/PREFIX; without waiting for whether somebody else has it (IPv6). */
static int take_address(struct work *w, char **words, unsigned n)
{
	struct request q = request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(q.address));
	const uint32_t flags = IFA_F_NODAD | IFA_F_PERMANENT;
	char *slash = n == 2 ? strchr(words[1], '/') : NULL;
	uint8_t ip[16], broadcast[4];
	unsigned long prefix;
	int family;

	if (!slash || !w->link)
		return slash ? ENODEV : EINVAL;
	*slash = '\0';
	prefix = strtoul(slash + 1, NULL, 10);
	if (parse_ip(words[1], ip, &family) || prefix > (family == AF_INET ? 32 : 128))
		return EINVAL;
	q.address = (struct ifaddrmsg){.ifa_family = (uint8_t)family,
				       .ifa_prefixlen = (uint8_t)prefix,
				       .ifa_index = w->link};
	attribute(&q, IFA_LOCAL, ip, family == AF_INET ? 4 : 16);
	attribute(&q, IFA_ADDRESS, ip, family == AF_INET ? 4 : 16);
	attribute(&q, IFA_FLAGS, &flags, sizeof(flags));
	if (family == AF_INET && prefix < 31) {
		uint32_t host = htonl(0xffffffffu >> prefix), local;

		memcpy(&local, ip, 4);
		local |= prefix ? host : 0xffffffffu;
		memcpy(broadcast, &local, 4);
		attribute(&q, IFA_BROADCAST, broadcast, 4);
	}
	return ask(w, &q);
}

/* gateway IP */
static int take_gateway(struct work *w, char **words, unsigned n)
{
	struct request q = request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(q.route));
	uint8_t ip[16];
	int family;

	if (n != 2 || parse_ip(words[1], ip, &family))
		return EINVAL;
	q.route = (struct rtmsg){.rtm_family = (uint8_t)family,
				 .rtm_table = RT_TABLE_MAIN,
				 .rtm_protocol = RTPROT_STATIC,
				 .rtm_scope = RT_SCOPE_UNIVERSE,
				 .rtm_type = RTN_UNICAST};
	attribute(&q, RTA_GATEWAY, ip, family == AF_INET ? 4 : 16);
	if (w->link)
		attribute(&q, RTA_OIF, &w->link, sizeof(w->link));
	return ask(w, &q);
}

/* Files */

static FILE *create(FILE **f, const char *name)
{
	if (!*f)
		*f = fopen(name, "we");
	return *f;
}

static int finish_file(FILE **f, const char *temporary, const char *name)
{
	int r = 0;

	if (!*f)
		return 0;
	if (fclose(*f) != 0 || rename(temporary, name) < 0)
		r = errno;
	*f = NULL;
	return r;
}

/* The words from `from` on, as one line. */
static int print_words(FILE *f, const char *before, char **words, unsigned from, unsigned n)
{
	if (!f)
		return errno;
	if (n <= from)
		return EINVAL;
	fputs(before, f);
	for (unsigned i = from; i < n; i++)
		fprintf(f, "%s%s", i > from ? " " : "", words[i]);
	fputc('\n', f);
	return 0;
}

/* mirror URI SUITE COMPONENT… */
static int take_mirror(struct work *w, char **words, unsigned n)
{
	FILE *f = create(&w->sources, FOLDER "apt.sources~");
	int r;

	if (n < 4 || !f)
		return n < 4 ? EINVAL : errno;
	fprintf(f, "Types: deb\nURIs: %s\nSuites: %s\n", words[1], words[2]);
	r = print_words(f, "Components: ", words, 3, n);
	fputs("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n", f);
	return r;
}

/* /etc/hosts up to our mark, then what is in /run/viv/hosts. */
static int write_hosts(void)
{
	static char text[HOSTS_MAX + 1];
	size_t len, more;
	char *mark;
	FILE *f = fopen(HOSTS, "re");

	len = f ? fread(text, 1, HOSTS_MAX, f) : 0;
	if (f)
		fclose(f);
	text[len] = '\0';
	mark = strstr(text, MARK);
	if (mark)
		len = (size_t)(mark - text);
	f = fopen(FOLDER "hosts", "re");
	if (!f)
		return errno;
	memcpy(text + len, MARK, HOSTS_MAX - len > sizeof(MARK) ? sizeof(MARK) - 1 : 0);
	len += HOSTS_MAX - len > sizeof(MARK) ? sizeof(MARK) - 1 : 0;
	more = fread(text + len, 1, HOSTS_MAX - len, f);
	fclose(f);
	f = fopen(HOSTS "~", "we");
	if (!f && errno == EROFS) {
		/* Nothing can be written over a read-only root, but something put on it. */
		f = fopen(FOLDER "etc-hosts", "we");
		if (!f || fwrite(text, 1, len + more, f) != len + more || fclose(f) != 0)
			return errno;
		return mount(FOLDER "etc-hosts", HOSTS, NULL, MS_BIND, NULL) < 0 ? errno : 0;
	}
	if (!f)
		return errno;
	if (fwrite(text, 1, len + more, f) != len + more || fclose(f) != 0)
		return errno;
	return rename(HOSTS "~", HOSTS) < 0 ? errno : 0;
}

static int take_line(struct work *w, char **words, unsigned n)
{
	if (strcmp(words[0], "link") == 0)
		return take_link(w, words, n);
	if (strcmp(words[0], "address") == 0)
		return take_address(w, words, n);
	if (strcmp(words[0], "gateway") == 0)
		return take_gateway(w, words, n);
	if (strcmp(words[0], "nameserver") == 0 || strcmp(words[0], "search") == 0)
		return print_words(create(&w->resolv, FOLDER "resolv.conf~"), "", words, 0, n);
	if (strcmp(words[0], "host") == 0)
		return print_words(create(&w->hosts, FOLDER "hosts~"), "", words, 1, n);
	if (strcmp(words[0], "mirror") == 0)
		return take_mirror(w, words, n);
	return EINVAL;
}

static void take_lines(struct work *w, char *text)
{
	char *rest_lines, *line;

	for (line = strtok_r(text, "\n", &rest_lines); line;
	     line = strtok_r(NULL, "\n", &rest_lines)) {
		char *words[MAX_WORDS], *rest, *word;
		unsigned n = 0;

		for (word = strtok_r(line, " ", &rest); word && n < MAX_WORDS;
		     word = strtok_r(NULL, " ", &rest))
			words[n++] = word;
		if (n)
			failed(w, take_line(w, words, n));
	}
}

int system_network(const uint8_t *data, size_t len)
{
	static char text[VIV_PROTO_MAX_PAYLOAD + 1];
	struct work w = {.netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};

	if (w.netlink < 0)
		return errno;
	memcpy(text, data, len);
	text[len] = '\0';
	mkdir("/run/viv", 0755);
	take_lines(&w, text);
	close(w.netlink);
	failed(&w, finish_file(&w.resolv, FOLDER "resolv.conf~", FOLDER "resolv.conf"));
	failed(&w, finish_file(&w.sources, FOLDER "apt.sources~", FOLDER "apt.sources"));
	if (w.hosts) {
		failed(&w, finish_file(&w.hosts, FOLDER "hosts~", FOLDER "hosts"));
		failed(&w, write_hosts());
	}
	return w.code;
}

void system_user_network(void)
{
	static const char text[] = VIV_PROTO_USER_NETWORK;

	system_network((const uint8_t *)text, sizeof(text) - 1);
}
