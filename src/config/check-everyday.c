/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

/* Rules of networking, firewall, swap, sudo and sshd. */

static const char *text_in(const struct viv_value *set, const char *key)
{
	const struct viv_value *v = viv_value_member(set, key);

	return v && v->kind == VIV_VALUE_STRING ? v->text : NULL;
}

static int64_t int_in(const struct viv_value *set, const char *key, int64_t otherwise)
{
	const struct viv_value *v = viv_value_member(set, key);

	return v && v->kind == VIV_VALUE_INT ? v->i : otherwise;
}

static void check_addresses(struct viv_eval *ev, const struct viv_slot *family, bool six)
{
	const struct viv_slot *addresses = child(family, "addresses");
	const struct viv_value *list = list_of(addresses);

	for (size_t i = 0; list && i < list->list.count; i++) {
		const char *address = text_in(list->list.items[i], "address");

		if (!address)
			item_fault(ev, addresses, i, "it has no address");
		else if (!strchr(address, ':') == six)
			item_fault(ev, addresses, i, "%s is no IPv%d address", address, six ? 6 : 4);
		else if (!six && int_in(list->list.items[i], "prefixLength", 24) > 32)
			item_fault(ev, addresses, i, "prefixLength: an IPv4 address has 32 bits");
	}
}

static void check_networking(struct viv_eval *ev)
{
	const struct viv_slot *all = option(ev, "networking.interfaces");
	const struct viv_slot *names = option(ev, "networking.usePredictableInterfaceNames");

	if (names->state == VIV_SLOT_DONE && names->value && names->value->b)
		fault(ev, names, names, "interfaces have the names that the machine file gives them (eth0, "
		      "eth1, those of virtualisation.interfaces and networks): leave it false");
	for (size_t i = 0; i < all->n_children; i++) {
		check_addresses(ev, child(all->children[i], "ipv4"), false);
		check_addresses(ev, child(all->children[i], "ipv6"), true);
	}
}

static void check_ranges(struct viv_eval *ev, const struct viv_slot *s)
{
	const struct viv_value *list = list_of(s);

	for (size_t i = 0; list && i < list->list.count; i++)
		if (int_in(list->list.items[i], "from", 1) > int_in(list->list.items[i], "to", 65535))
			item_fault(ev, s, i, "from is greater than to");
}

static void check_firewall(struct viv_eval *ev)
{
	static const char *const ranges[] = {"allowedTCPPortRanges", "allowedUDPPortRanges"};
	const struct viv_slot *firewall = option(ev, "networking.firewall");
	const struct viv_slot *interfaces = child(firewall, "interfaces");

	for (size_t r = 0; r < VIV_ARRAY_SIZE(ranges); r++) {
		check_ranges(ev, child(firewall, ranges[r]));
		for (size_t i = 0; i < interfaces->n_children; i++)
			check_ranges(ev, child(interfaces->children[i], ranges[r]));
	}
}

static void check_swap(struct viv_eval *ev)
{
	const struct viv_slot *swap = option(ev, "swapDevices");
	const struct viv_value *list = list_of(swap);

	for (size_t i = 0; list && i < list->list.count; i++) {
		const char *device = text_in(list->list.items[i], "device");
		bool is_device = device && viv_starts_with(device, "/dev/");
		bool sized = int_in(list->list.items[i], "size", 0) > 0;

		if (!device)
			item_fault(ev, swap, i, "it has no device");
		else if (sized && is_device)
			item_fault(ev, swap, i, "a device has the size that it has: size is for a file");
		for (size_t k = 0; device && k < i; k++) {
			const char *other = text_in(list->list.items[k], "device");

			if (other && viv_streq(other, device))
				item_fault(ev, swap, i, "%s is [%zu]'s already", device, k + 1);
		}
	}
}

static void check_sudo(struct viv_eval *ev)
{
	const struct viv_slot *rules = option(ev, "security.sudo.extraRules");
	const struct viv_value *list = list_of(rules);

	for (size_t i = 0; list && i < list->list.count; i++) {
		const struct viv_value *commands = viv_value_member(list->list.items[i], "commands");

		if (!commands || !commands->list.count)
			item_fault(ev, rules, i, "it has no commands");
	}
}

/* "HOST:PORT" and "[HOST]:PORT", but not an IPv6 address by itself. */
static bool names_port(const struct viv_slot *s)
{
	const char *text = s->value->kind == VIV_VALUE_STRING ? s->value->text : "";
	const char *colon = strrchr(text, ':');

	return colon && colon > text && (colon[-1] == ']' || strchr(text, ':') == colon);
}

/* What follows a Match holds for whom it names alone, also what we or others write. */
static void check_sshd(struct viv_eval *ev)
{
	const struct viv_slot *settings = option(ev, "services.openssh.settings");

	for (size_t i = 0; i < settings->n_children; i++) {
		const struct viv_slot *s = given(settings, settings->children[i]->key);

		if (!s)
			continue;
		if (strcasecmp(s->key, "Match") == 0)
			fault(ev, s, s, "settings hold for every login: write it into a file of its own, "
			      "environment.etc[\"ssh/sshd_config.d/match.conf\"].text");
		else if (strcasecmp(s->key, "Port") == 0)
			fault(ev, s, s, "write it as services.openssh.ports, which the firewall knows, too");
		else if (strcasecmp(s->key, "ListenAddress") == 0 && names_port(s))
			fault(ev, s, s, "write its port as services.openssh.ports, which the firewall knows, too");
	}
}

void viv_check_everyday(struct viv_eval *ev)
{
	check_networking(ev);
	check_firewall(ev);
	check_swap(ev);
	check_sudo(ev);
	check_sshd(ev);
}
