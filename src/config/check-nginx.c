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
}
