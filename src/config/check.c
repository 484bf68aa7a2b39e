/* SPDX-License-Identifier: MIT */
#include "config/check.h"

#include "config/check-private.h"

#include <strings.h>

/* What no single option's type can say. Each rule looks at evaluated values only. */

static bool is_true(const struct viv_slot *s, const char *field)
{
	const struct viv_slot *f = given(s, field);

	return f && f->value->kind == VIV_VALUE_BOOL && f->value->b;
}

/* At most one of the fields may be given. */
static void only_one(struct viv_eval *ev, const struct viv_slot *s, const char *const *fields)
{
	const struct viv_slot *first = NULL;

	for (; *fields; fields++) {
		const struct viv_slot *f = given(s, *fields);

		if (f && first)
			fault(ev, s, f, "%s and %s are both set: only one can be", first->key,
			      f->key);
		if (f)
			first = f;
	}
}

static int compare_numbers(const void *a, const void *b)
{
	const struct viv_slot *x = *(const struct viv_slot *const *)a;
	const struct viv_slot *y = *(const struct viv_slot *const *)b;

	if (x->value->i != y->value->i)
		return x->value->i < y->value->i ? -1 : 1;
	return strcmp(x->parent->key, y->parent->key);
}

/* No two of the set's members have the same number in `field`. */
static void unique_numbers(struct viv_eval *ev, const struct viv_slot *set, const char *field)
{
	const struct viv_slot **all =
		viv_arena_array(ev->arena, const struct viv_slot *, set->n_children + 1);
	size_t n = 0;

	for (size_t i = 0; i < set->n_children; i++) {
		all[n] = given(set->children[i], field);
		n += all[n] != NULL;
	}
	if (n)
		qsort(all, n, sizeof(*all), compare_numbers);
	for (size_t i = 1; i < n; i++)
		if (all[i]->value->i == all[i - 1]->value->i)
			fault(ev, all[i], all[i], "%lld is %s's already",
			      (long long)all[i]->value->i, all[i - 1]->parent->key);
}

static void check_users(struct viv_eval *ev)
{
	static const char *const passwords[] = {"password", "hashedPassword", "initialPassword",
						"initialHashedPassword", NULL};
	const struct viv_slot *users = option(ev, "users.users");

	for (size_t i = 0; i < users->n_children; i++) {
		const struct viv_slot *u = users->children[i];

		only_one(ev, u, passwords);
		if (is_true(u, "isNormalUser") && is_true(u, "isSystemUser"))
			fault(ev, u, given(u, "isSystemUser"),
			      "isNormalUser and isSystemUser are both set: only one can be");
	}
	unique_numbers(ev, users, "uid");
	unique_numbers(ev, option(ev, "users.groups"), "gid");
}

/* Children are sorted, but "a-b" stands between "a" and "a/b". */
static void check_parents(struct viv_eval *ev, const struct viv_slot *etc, size_t i)
{
	const char *key = etc->children[i]->key;

	for (size_t k = 0; k < i; k++) {
		const char *parent = etc->children[k]->key;

		if (viv_starts_with(key, parent) && key[strlen(parent)] == '/')
			fault(ev, etc->children[i], etc->children[i],
			      "%s is a file, so nothing can be below it", parent);
	}
}

/* Written out, or copied from a file: one of the two. */
static void check_content(struct viv_eval *ev, const struct viv_slot *s)
{
	static const char *const contents[] = {"text", "source", NULL};

	only_one(ev, s, contents);
	if (s->state == VIV_SLOT_DONE && !given(s, "text") && !given(s, "source"))
		fault(ev, s, s, "it has neither text nor source");
}

/* They are made of what the packages and users.* say. */
static void check_no_accounts(struct viv_eval *ev, const struct viv_slot *s)
{
	static const char *const files[] = {"passwd", "group", "shadow", "gshadow"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(files); i++)
		if (viv_streq(s->key, files[i]))
			fault(ev, s, s, "accounts are described with users.users and users.groups");
}

static void check_etc(struct viv_eval *ev)
{
	const struct viv_slot *etc = option(ev, "environment.etc");

	for (size_t i = 0; i < etc->n_children; i++) {
		check_no_accounts(ev, etc->children[i]);
		check_content(ev, etc->children[i]);
		check_parents(ev, etc, i);
	}
}

static const char *text_in(const struct viv_value *set, const char *key)
{
	const struct viv_value *v = viv_value_member(set, key);

	return v && v->kind == VIV_VALUE_STRING ? v->text : NULL;
}

static int64_t port_of(const struct viv_value *forward, const char *end)
{
	const struct viv_value *set = viv_value_member(forward, end);
	const struct viv_value *v = set ? viv_value_member(set, "port") : NULL;

	return v && v->kind == VIV_VALUE_INT ? v->i : 0;
}

/* Would both want the same port of the host, on one address or one of them on all? */
static bool same_port(const struct viv_value *a, const struct viv_value *b)
{
	const char *x = text_in(viv_value_member(a, "host"), "address");
	const char *y = text_in(viv_value_member(b, "host"), "address");

	return port_of(a, "host") == port_of(b, "host") && x && y &&
	       viv_streq(text_in(a, "from"), "host") && viv_streq(text_in(b, "from"), "host") &&
	       viv_streq(text_in(a, "proto"), text_in(b, "proto")) &&
	       (viv_streq(x, y) || viv_streq(x, "0.0.0.0") || viv_streq(y, "0.0.0.0"));
}

static void check_forward(struct viv_eval *ev, const struct viv_slot *list, size_t i)
{
	const struct viv_value *f = list->value->list.items[i];
	bool from_guest = viv_streq(text_in(f, "from"), "guest");

	if (!port_of(f, "host"))
		item_fault(ev, list, i, "it has no host.port");
	if (!port_of(f, "guest"))
		item_fault(ev, list, i, "it has no guest.port");
	if (from_guest && !text_in(viv_value_member(f, "guest"), "address"))
		item_fault(ev, list, i, "from = \"guest\" needs guest.address, in 10.0.2.0/24");
	if (from_guest && viv_streq(text_in(f, "proto"), "udp"))
		item_fault(ev, list, i, "from the guest only tcp can be forwarded");
	for (size_t k = 0; k < i; k++) {
		if (!port_of(f, "host") || !same_port(list->value->list.items[k], f))
			continue;
		item_fault(ev, list, i, "port %lld of the host is forwarded already, by [%zu]",
			   (long long)port_of(f, "host"), k + 1);
		return;
	}
}

static void check_forwards(struct viv_eval *ev)
{
	const struct viv_slot *list = option(ev, "virtualisation.forwardPorts");

	if (list->state != VIV_SLOT_DONE || !list->value || list->value->kind != VIV_VALUE_LIST)
		return;
	for (size_t i = 0; i < list->value->list.count; i++)
		check_forward(ev, list, i);
}

/* No MAC of sets[at] is in it or in one before it twice. */
static void unique_macs(struct viv_eval *ev, const struct viv_slot *const *sets, size_t at)
{
	for (size_t i = 0; i < sets[at]->n_children; i++) {
		const struct viv_slot *mac = given(sets[at]->children[i], "mac");
		bool done = !mac;

		for (size_t s = 0; s <= at && !done; s++) {
			for (size_t k = 0; k < sets[s]->n_children && !done; k++) {
				const struct viv_slot *other = given(sets[s]->children[k], "mac");

				if (s == at && k >= i)
					break;
				done = other && strcasecmp(other->value->text, mac->value->text) == 0;
				if (done)
					fault(ev, mac, mac, "%s is %s's already", mac->value->text,
					      sets[s]->children[k]->key);
			}
		}
	}
}

static void check_networks(struct viv_eval *ev)
{
	const struct viv_slot *networks = option(ev, "virtualisation.networks");
	const struct viv_slot *segments = option(ev, "virtualisation.interfaces");
	const struct viv_slot *sets[] = {networks, segments};

	for (size_t i = 0; i < networks->n_children; i++) {
		const struct viv_slot *n = networks->children[i], *kind = given(n, "kind");
		bool device = kind && (viv_streq(kind->value->text, "tap") ||
				       viv_streq(kind->value->text, "bridge"));

		if (device && !given(n, "device"))
			fault(ev, n, n, "kind \"%s\" needs the host's device", kind->value->text);
		for (size_t k = 0; k < segments->n_children; k++)
			if (viv_streq(segments->children[k]->key, n->key))
				fault(ev, segments->children[k], segments->children[k],
				      "virtualisation.networks has an interface of that name, too");
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(sets); i++)
		unique_macs(ev, sets, i);
}

static void check_credentials(struct viv_eval *ev)
{
	const struct viv_slot *all = option(ev, "virtualisation.credentials");

	for (size_t i = 0; i < all->n_children; i++)
		check_content(ev, all->children[i]);
}

void viv_check(struct viv_eval *ev)
{
	check_forwards(ev);
	check_networks(ev);
	viv_check_disks(ev);
	check_users(ev);
	check_etc(ev);
	check_credentials(ev);
	viv_check_devices(ev);
	viv_check_desktop(ev);
	viv_check_everyday(ev);
	viv_check_nginx(ev);
	viv_check_units(ev);
	viv_check_boot(ev);
	viv_check_init(ev);
	viv_check_root(ev);
	viv_check_system(ev);
}
