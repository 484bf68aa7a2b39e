/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

/* Rules of services.nginx. */

static bool is_set(const struct viv_slot *host, const char *field)
{
	const struct viv_slot *s = given(host, field);

	return s && s->value->kind == VIV_VALUE_BOOL && s->value->b;
}

/* Does one of the host's own listen (not) speak TLS? */
static bool listens(const struct viv_value *listen, bool ssl)
{
	for (size_t i = 0; i < listen->list.count; i++) {
		const struct viv_value *v = viv_value_member(listen->list.items[i], "ssl");

		if ((v && v->kind == VIV_VALUE_BOOL && v->b) == ssl)
			return true;
	}
	return false;
}

/* What is said of TLS, and where the host says that it listens. */
static void check_listen(struct viv_eval *ev, const struct viv_slot *host)
{
	static const struct {
		const char *name;
		bool plain, no_plain;
	} rows[] = {{"addSSL", false, false}, {"onlySSL", false, true}, {"forceSSL", true, false}};
	const struct viv_slot *listen = given(host, "listen");
	const struct viv_value *list = list_of(listen);

	for (size_t i = 0; list && list->list.count && i < VIV_ARRAY_SIZE(rows); i++) {
		const struct viv_slot *s = is_set(host, rows[i].name) ? given(host, rows[i].name) : NULL;

		if (s && !listens(list, true))
			fault(ev, s, s, "listen has no place with ssl = true");
		if (s && rows[i].plain && !listens(list, false))
			fault(ev, s, s, "listen has no place without ssl, where others are sent on from");
		if (s && rows[i].no_plain && listens(list, false))
			fault(ev, s, s, "listen has a place without ssl = true");
	}
}

/* Where a host listens. */
struct socket {
	const struct viv_slot *host, *listen; /* listen: NULL where it says nothing of it */
	size_t item;			      /* of listen */
	const char *address;
	long long port;
	bool ssl;
	size_t number; /* of all */
};
struct sockets {
	struct socket *items;
	size_t n, cap;
};

static void push_socket(struct sockets *all, const struct socket *s)
{
	all->items = viv_grow(all->items, &all->cap, all->n + 1, sizeof(*all->items));
	all->items[all->n] = *s;
	all->items[all->n].number = all->n;
	all->n++;
}

static bool flag_in(const struct viv_value *set, const char *key)
{
	const struct viv_value *v = viv_value_member(set, key);

	return v && v->kind == VIV_VALUE_BOOL && v->b;
}

static struct socket socket_of(const struct viv_value *v)
{
	const struct viv_value *address = viv_value_member(v, "addr"), *port = viv_value_member(v, "port");
	const struct viv_value *more = viv_value_member(v, "extraParameters");
	struct socket s = {.address = address && address->kind == VIV_VALUE_STRING ? address->text : "0.0.0.0",
			   .ssl = flag_in(v, "ssl")};

	s.port = port && port->kind == VIV_VALUE_INT ? port->i : s.ssl ? 443 : 80;
	if (viv_streq(s.address, "*"))
		s.address = "0.0.0.0";
	for (size_t i = 0; more && more->kind == VIV_VALUE_LIST && i < more->list.count; i++)
		s.ssl |= more->list.items[i]->kind == VIV_VALUE_STRING && viv_streq(more->list.items[i]->text, "ssl");
	return s;
}

static void push_sockets(struct sockets *all, const struct viv_slot *host)
{
	static const char *const addresses[] = {"0.0.0.0", "[::]"};
	const struct viv_slot *listen = given(host, "listen");
	const struct viv_value *list = list_of(listen);
	bool ssl = is_set(host, "addSSL") || is_set(host, "onlySSL") || is_set(host, "forceSSL");

	for (size_t i = 0; list && i < list->list.count; i++) {
		struct socket s = socket_of(list->list.items[i]);

		s.host = host;
		s.listen = listen;
		s.item = i;
		push_socket(all, &s);
	}
	for (size_t i = 0; (!list || !list->list.count) && i < VIV_ARRAY_SIZE(addresses); i++) {
		if (!is_set(host, "onlySSL"))
			push_socket(all, &(struct socket){.host = host, .address = addresses[i], .port = 80});
		if (ssl)
			push_socket(all, &(struct socket){
				.host = host, .address = addresses[i], .port = 443, .ssl = true});
	}
}

static void socket_fault(struct viv_eval *ev, const struct socket *s, const struct socket *other)
{
	VIV_FREE char *text = viv_asprintf("%s:%lld %s here, and %s for the host %s: nginx would speak it for both",
					   s->address, s->port, s->ssl ? "speaks TLS" : "does not speak TLS",
					   s->ssl ? "does not" : "does", other->host->key);

	if (s->listen)
		item_fault(ev, s->listen, s->item, "%s", text);
	else
		fault(ev, s->host, s->host, "%s", text);
}

static bool is_same(const struct socket *a, const struct socket *b)
{
	return a->port == b->port && viv_streq(a->address, b->address);
}

static int compare_sockets(const void *x, const void *y)
{
	const struct socket *a = x, *b = y;
	int r = a->port < b->port ? -1 : a->port > b->port;

	r = r ? r : strcmp(a->address, b->address);
	return r ? r : a->number < b->number ? -1 : a->number > b->number;
}

/* To nginx, TLS is a matter of an address and port, whichever host says it: the first that differs is told of. */
static void check_sockets(struct viv_eval *ev, const struct viv_slot *hosts)
{
	struct sockets all = {0};

	for (size_t i = 0; i < hosts->n_children; i++)
		push_sockets(&all, hosts->children[i]);
	if (all.n)
		qsort(all.items, all.n, sizeof(*all.items), compare_sockets);
	for (size_t i = 0, next; i < all.n; i = next) {
		const struct socket *first = &all.items[i], *other = NULL;

		for (next = i + 1; next < all.n && is_same(first, &all.items[next]); next++)
			if (!other && all.items[next].ssl != first->ssl)
				other = &all.items[next];
		if (other)
			socket_fault(ev, other, first);
	}
	free(all.items);
}

static void check_host(struct viv_eval *ev, const struct viv_slot *host)
{
	const struct viv_slot *certificate = given(host, "sslCertificate");
	const struct viv_slot *key = given(host, "sslCertificateKey");
	const struct viv_slot *locations = child(host, "locations");

	if (is_set(host, "addSSL") + is_set(host, "onlySSL") + is_set(host, "forceSSL") > 1)
		fault(ev, host, host, "of addSSL, onlySSL and forceSSL only one can be set");
	if (!certificate != !key)
		fault(ev, host, certificate ? certificate : key,
		      "sslCertificate and sslCertificateKey belong together");
	check_listen(ev, host);
	for (size_t i = 0; locations && i < locations->n_children; i++) {
		const struct viv_slot *l = locations->children[i];

		if (given(l, "root") && given(l, "alias"))
			fault(ev, l, given(l, "alias"), "root and alias are both set: only one can be");
		if (is_set(l, "proxyWebsockets") && !given(l, "proxyPass"))
			fault(ev, given(l, "proxyWebsockets"), given(l, "proxyWebsockets"), "there is no proxyPass");
	}
}

void viv_check_nginx(struct viv_eval *ev)
{
	const struct viv_slot *hosts = option(ev, "services.nginx.virtualHosts");
	const struct viv_slot *first = NULL;

	for (size_t i = 0; i < hosts->n_children; i++) {
		const struct viv_slot *h = hosts->children[i];

		check_host(ev, h);
		if (is_set(h, "default") && first)
			fault(ev, h, given(h, "default"), "%s is the default already", first->key);
		else if (is_set(h, "default"))
			first = h;
	}
	check_sockets(ev, hosts);
}
