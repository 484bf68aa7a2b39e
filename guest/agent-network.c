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
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The networks of the guest, as NETWORK describes them: a line each, words apart. Interfaces are set
 * up through rtnetlink(7), the rest is files. What one text sets and the next one does not goes.
 */

#define MAX_WORDS 32
#define FOLDER	  "/run/viv/"

/* What is being set up. */
struct work {
	struct net_kept *kept;
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
	netlink_flags(w->netlink, other, 0);
	return netlink_rename(w->netlink, other, spare);
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
		netlink_flags(w->netlink, w->link, 0);
		if (r == 0)
			r = netlink_rename(w->netlink, w->link, words[2]);
	}
	return r ? r : netlink_flags(w->netlink, w->link, IFF_UP);
}

static bool parse_ip(const char *text, struct net_item *ret)
{
	ret->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(ret->family, text, ret->ip) == 1;
}

static bool same_item(const struct net_item *a, const struct net_item *b)
{
	return a->link == b->link && a->gateway == b->gateway && a->family == b->family &&
	       a->prefix == b->prefix && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* Those that there is no room for are set all the same, and stay. */
static void keep(struct net_kept *k, struct net_item item)
{
	unsigned i = 0;

	while (i < k->n && !same_item(&k->items[i], &item))
		i++;
	if (i == NET_KEPT_MAX)
		return;
	item.wanted = true;
	k->items[i] = item;
	if (i == k->n)
		k->n++;
}

static int set(struct work *w, struct net_item item)
{
	int r = netlink_set(w->netlink, &item, true);

	if (r == 0)
		keep(w->kept, item);
	return r;
}

/*
 * Takes away what is not wanted any more. A first address takes others of its subnet, and routes, with
 * it: those that are wanted are set once more.
 */
static void tidy(struct work *w)
{
	struct net_kept *k = w->kept;
	unsigned n = 0;
	bool gone = false;

	for (unsigned i = 0; i < k->n; i++) {
		if (k->items[i].wanted) {
			k->items[n++] = k->items[i];
			continue;
		}
		netlink_set(w->netlink, &k->items[i], false); /* it may have gone by itself */
		gone = true;
	}
	k->n = n;
	for (unsigned pass = 0; gone && pass < 2; pass++) /* routes last */
		for (unsigned i = 0; i < n; i++)
			if (k->items[i].gateway == (pass == 1))
				failed(w, netlink_set(w->netlink, &k->items[i], true));
}

/* address IP/PREFIX */
static int take_address(struct work *w, char **words, unsigned n)
{
	char *slash = n == 2 ? strchr(words[1], '/') : NULL, *end;
	struct net_item item = {.link = w->link};
	unsigned long prefix;

	if (!slash || !w->link)
		return slash ? ENODEV : EINVAL;
	*slash = '\0';
	prefix = strtoul(slash + 1, &end, 10);
	if (!parse_ip(words[1], &item) || *end || end == slash + 1 ||
	    prefix > (item.family == AF_INET ? 32 : 128))
		return EINVAL;
	item.prefix = (uint8_t)prefix;
	return set(w, item);
}

/* gateway IP */
static int take_gateway(struct work *w, char **words, unsigned n)
{
	struct net_item item = {.link = w->link, .gateway = true};

	return n == 2 && parse_ip(words[1], &item) ? set(w, item) : EINVAL;
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

int system_network(struct net_kept *kept, const uint8_t *data, size_t len)
{
	static char text[VIV_PROTO_MAX_PAYLOAD + 1];
	struct work w = {.kept = kept, .netlink = netlink_open()};

	if (w.netlink < 0)
		return errno;
	memcpy(text, data, len);
	text[len] = '\0';
	mkdir("/run/viv", 0755);
	for (unsigned i = 0; i < kept->n; i++)
		kept->items[i].wanted = false;
	take_lines(&w, text);
	tidy(&w);
	close(w.netlink);
	failed(&w, finish_file(&w.resolv, FOLDER "resolv.conf~", FOLDER "resolv.conf"));
	failed(&w, finish_file(&w.sources, FOLDER "apt.sources~", FOLDER "apt.sources"));
	if (w.hosts) {
		failed(&w, finish_file(&w.hosts, FOLDER "hosts~", FOLDER "hosts"));
		failed(&w, hosts_write(FOLDER "hosts"));
	}
	return w.code;
}

void system_user_network(struct net_kept *kept)
{
	static const char text[] = VIV_PROTO_USER_NETWORK;

	system_network(kept, (const uint8_t *)text, sizeof(text) - 1);
}
