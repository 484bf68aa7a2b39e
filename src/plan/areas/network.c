/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* networking.*: names, and who asks for addresses (most are given by the agent, docs/networks.md). */

static void add_hosts(struct viv_str *s, const json_t *all)
{
	VIV_STRV addresses = VIV_STRV_INIT;

	viv_json_keys(all, &addresses);
	for (size_t k = 0; k < addresses.count; k++) {
		json_t *name;
		size_t i;

		json_array_foreach(json_object_get(all, addresses.items[k]), i, name)
			viv_str_addf(s, "%s %s", i ? "" : addresses.items[k], json_string_value(name));
		if (json_array_size(json_object_get(all, addresses.items[k])))
			viv_str_add_char(s, '\n');
	}
}

static void add_names(struct viv_etc *etc, const struct viv_config *config)
{
	const char *name = viv_config_string(config, "networking.hostName");
	const char *domain = viv_config_string(config, "networking.domain");
	const char *extra = viv_config_string(config, "networking.extraHosts");
	VIV_FREE char *hostname = viv_asprintf("%s\n", name);
	const char *own = viv_config_string(config, "networking.primaryIPAddress");
	struct viv_str hosts = VIV_STR_INIT;

	viv_str_addf(&hosts, "127.0.0.1 localhost\n%s ", own ? own : "127.0.1.1");
	if (domain)
		viv_str_addf(&hosts, "%s.%s ", name, domain);
	viv_str_addf(&hosts, "%s\n::1 localhost ip6-localhost ip6-loopback\n", name);
	add_hosts(&hosts, viv_config_get(config, "networking.hosts"));
	if (extra && *extra)
		viv_str_addf(&hosts, "%s%s", extra, viv_ends_with(extra, "\n") ? "" : "\n");
	viv_etc_add_text(etc, "networking.hostName", "etc/hostname", hostname);
	viv_etc_add(etc, "networking.extraHosts", "etc/hosts", VIV_ETC_FILE, 0644, &hosts);
	/* Where a machine runs, and so whom it asks, is told to it when it does (docs/networks.md). */
	viv_etc_add_link(etc, NULL, "etc/resolv.conf", "/run/viv/resolv.conf");
	viv_etc_add_link(etc, NULL, "etc/apt/sources.list.d/viv.sources", "/run/viv/apt.sources");
}

static bool has_static(const struct viv_config *config, const char *name)
{
	const json_t *one = json_object_get(viv_config_get(config, "networking.interfaces"), name);

	return json_array_size(json_object_get(json_object_get(one, "ipv4"), "addresses")) ||
	       json_array_size(json_object_get(json_object_get(one, "ipv6"), "addresses"));
}

/* On a tap or a bridge somebody else gives out addresses. */
static bool wants_dhcp(const struct viv_config *config, const char *name, const json_t *network)
{
	const char *kind = viv_json_str(network, "kind");

	return kind && (viv_streq(kind, "tap") || viv_streq(kind, "bridge")) &&
	       !json_array_size(json_object_get(network, "addresses")) && !has_static(config, name);
}

static int add_dhcp(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	const json_t *all = viv_config_get(config, "virtualisation.networks");
	bool systemd = viv_uses_systemd(config), any = false;
	const char *name;
	json_t *network;

	if (!viv_config_bool(config, "networking.useDHCP"))
		return 0;
	json_object_foreach((json_t *)all, name, network) {
		VIV_FREE char *path = viv_asprintf("etc/systemd/network/viv-%s.network", name);
		VIV_FREE char *option = viv_asprintf("virtualisation.networks[\"%s\"]", name);
		VIV_FREE char *text =
			viv_asprintf("[Match]\nName=%s\n\n[Network]\nDHCP=yes\n", name);

		if (!wants_dhcp(config, name, network))
			continue;
		if (!systemd)
			return viv_error_say(err, EINVAL, "%s: %s: without systemd nothing asks for an "
					     "address: give addresses, or set networking.useDHCP = false",
					     viv_config_place(config, option), option);
		any = true;
		viv_etc_add_text(etc, option, path, text);
	}
	if (any)
		viv_etc_add_link(etc, "networking.useDHCP", VIV_ETC_WANTED "systemd-networkd.service",
				 "/usr/lib/systemd/system/systemd-networkd.service");
	return 0;
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	add_names(etc, config);
	return add_dhcp(etc, config, err);
}

const struct viv_area viv_area_network = {.files = files};
