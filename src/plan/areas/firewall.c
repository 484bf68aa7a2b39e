/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"
#include "plan/areas/runit.h"

/*
 * networking.firewall: rules for nftables, loaded before the system's own networks are set up. Those of
 * extraInputRules are a file of its own: what a machine's nft does not take of them leaves the others.
 */

#define RULES "etc/nftables.conf"
#define EXTRA "etc/viv/firewall-extra.nft"
#define LOAD  "usr/lib/viv/firewall"

static const char option[] = "networking.firewall.enable", extra[] = "networking.firewall.extraInputRules";

struct range {
	long long from, to;
};

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* "22, 8000-8010": sorted, and none twice, which nft would refuse. */
static void list_ports(const json_t *ports, const json_t *ranges, const json_t *more, struct viv_str *ret)
{
	size_t n = 0, kept = 0, i;
	VIV_FREE struct range *all = viv_new_array(
		struct range, json_array_size(ports) + json_array_size(ranges) + json_array_size(more) + 1);
	json_t *v;

	json_array_foreach((json_t *)ports, i, v)
		all[n++] = (struct range){json_integer_value(v), json_integer_value(v)};
	json_array_foreach((json_t *)more, i, v)
		all[n++] = (struct range){json_integer_value(v), json_integer_value(v)};
	json_array_foreach((json_t *)ranges, i, v)
		all[n++] = (struct range){json_integer_value(json_object_get(v, "from")),
					  json_integer_value(json_object_get(v, "to"))};
	qsort(all, n, sizeof(*all), by_start);
	for (i = 0; i < n; i++)
		if (kept && all[i].from <= all[kept - 1].to + 1)
			all[kept - 1].to = VIV_MAX(all[kept - 1].to, all[i].to);
		else
			all[kept++] = all[i];
	for (i = 0; i < kept; i++) {
		viv_str_addf(ret, "%s%lld", i ? ", " : "", all[i].from);
		if (all[i].to > all[i].from)
			viv_str_addf(ret, "-%lld", all[i].to);
	}
}

/* `from` has the four lists; `more` are further TCP ports. `interface` NULL: any. */
static void allow(struct viv_str *s, const char *interface, const json_t *from, const json_t *more)
{
	static const char *const kinds[][3] = {{"tcp", "allowedTCPPorts", "allowedTCPPortRanges"},
					       {"udp", "allowedUDPPorts", "allowedUDPPortRanges"}};

	for (size_t k = 0; k < VIV_ARRAY_SIZE(kinds); k++) {
		VIV_STR ports = VIV_STR_INIT;

		list_ports(json_object_get(from, kinds[k][1]), json_object_get(from, kinds[k][2]),
			   k == 0 ? more : NULL, &ports);
		if (!ports.len)
			continue;
		viv_str_add(s, "\t\t");
		if (interface)
			viv_str_addf(s, "iifname \"%s\" ", interface);
		viv_str_addf(s, "%s dport { %s } accept\n", kinds[k][0], ports.data);
	}
}

/* Ports that services open by themselves. The caller owns it. */
static json_t *ports_of_services(const struct viv_config *config)
{
	json_t *all = json_array();
	const json_t *ports = viv_config_get(config, "services.openssh.ports");

	if (!viv_config_bool(config, "services.openssh.enable") ||
	    !viv_config_bool(config, "services.openssh.openFirewall"))
		return all;
	json_array_extend(all, (json_t *)ports);
	if (!json_array_size(all))
		json_array_append_new(all, json_integer(22));
	return all;
}

/* They go behind those of the chain that is there. False: there are none. */
static bool write_extra(struct viv_str *s, const struct viv_config *config)
{
	const char *rules = viv_config_string(config, extra);
	struct viv_slice rest = viv_slice(rules ? rules : ""), line;
	size_t empty;

	viv_str_add(s, "# networking.firewall.extraInputRules\ntable inet viv {\n\tchain input {\n");
	empty = s->len;
	while (viv_slice_line(&rest, &line))
		if (viv_slice_trim(line).len)
			viv_str_addf(s, "\t\t%.*s\n", (int)line.len, line.data);
	if (s->len == empty)
		return false;
	viv_str_add(s, "\t}\n}\n");
	return true;
}

static void write_rules(struct viv_str *s, const struct viv_config *config)
{
	const json_t *interfaces = viv_config_get(config, "networking.firewall.interfaces");
	VIV_JSON *services = ports_of_services(config);
	VIV_JSON *all = json_pack("{s:O, s:O, s:O, s:O}", "allowedTCPPorts",
				  viv_config_get(config, "networking.firewall.allowedTCPPorts"), "allowedTCPPortRanges",
				  viv_config_get(config, "networking.firewall.allowedTCPPortRanges"), "allowedUDPPorts",
				  viv_config_get(config, "networking.firewall.allowedUDPPorts"), "allowedUDPPortRanges",
				  viv_config_get(config, "networking.firewall.allowedUDPPortRanges"));
	VIV_STRV names = VIV_STRV_INIT;

	viv_str_add(s, "#!/usr/sbin/nft -f\n"
		       "# networking.firewall\n"
		       "\n"
		       "table inet viv\n"
		       "delete table inet viv\n"
		       "\n"
		       "table inet viv {\n"
		       "\tchain input {\n"
		       "\t\ttype filter hook input priority filter; policy drop;\n"
		       "\t\tiifname \"lo\" accept\n"
		       "\t\tct state { established, related } accept\n"
		       "\t\tct state invalid drop\n"
		       "\t\t# what IPv6 does not work without: neighbours, routers, DHCP\n"
		       "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, "
		       "mld-listener-query } accept\n"
		       "\t\tip6 daddr fe80::/64 udp dport 546 accept\n");
	if (viv_config_bool(config, "networking.firewall.allowPing"))
		viv_str_add(s, "\t\ticmp type echo-request accept\n"
			       "\t\ticmpv6 type echo-request accept\n");
	allow(s, NULL, all, services);
	viv_json_keys(interfaces, &names);
	for (size_t i = 0; i < names.count; i++)
		allow(s, names.items[i], json_object_get(interfaces, names.items[i]), NULL);
	viv_str_add(s, "\t}\n}\n");
}

/* Without its rules the machine would stand open: it does not go on. `end` is how it powers off. */
static void add_loader(struct viv_etc *etc, const char *end, bool has_extra)
{
	VIV_FREE char *text = viv_asprintf(
		"#!/bin/sh\n"
		"# networking.firewall\n"
		"if ! said=$(nft -f /" RULES " 2>&1); then\n"
		"\tprintf '\\nviv-init: fatal: networking.firewall: %%s\\n' \"$(echo \"$said\" | head -n 1)\" "
		">/dev/console\n"
		"\t%s\n"
		"fi\n"
		"%s",
		end, has_extra ? "exec nft -f /" EXTRA "\n" : "");

	viv_etc_add_script(etc, option, LOAD, text);
}

static void add_unit(struct viv_etc *etc, bool has_extra)
{
	VIV_FREE char *text = viv_asprintf("[Service]\nExecStart=\nExecStart=/" LOAD "\n%s",
					   has_extra ? "ExecReload=/usr/sbin/nft -f /" EXTRA "\n" : "");

	viv_etc_add_text(etc, option, VIV_ETC_UNITS "nftables.service.d/viv.conf", text);
	viv_etc_add_link(etc, option, VIV_ETC_UNITS "sysinit.target.wants/nftables.service",
			 "/usr/lib/systemd/system/nftables.service");
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err VIV_UNUSED)
{
	struct viv_str s = VIV_STR_INIT, more = VIV_STR_INIT;
	bool has_extra;

	if (!viv_config_bool(config, option))
		return 0;
	write_rules(&s, config);
	viv_etc_add(etc, option, RULES, VIV_ETC_FILE, 0755, &s);
	has_extra = write_extra(&more, config);
	if (has_extra)
		viv_etc_add(etc, extra, EXTRA, VIV_ETC_FILE, 0644, &more);
	viv_str_free(&more);
	if (viv_uses_systemd(config)) {
		add_loader(etc, "exec systemctl --force poweroff", has_extra);
		add_unit(etc, has_extra);
	} else {
		add_loader(etc, ">" VIV_RUNIT_END "; exit 1", has_extra);
		viv_runit_add_boot(etc, option, "10-firewall", "/" LOAD "\n");
	}
	return 0;
}

static void packages(const struct viv_config *config, struct viv_strv *base VIV_UNUSED, struct viv_strv *ret)
{
	if (!viv_config_bool(config, option))
		return;
	viv_strv_push(ret, "nftables");
	if (!viv_is_minimal(config))
		viv_strv_push(ret, "kmod"); /* its modules load themselves */
}

/* A root without modules: what rules need is loaded at once. */
static void modules(const struct viv_config *config, struct viv_strv *ret, struct viv_strv *optional)
{
	static const char *const needed[] = {"nf_tables", "nft_ct", NULL};
	/* For extraInputRules. */
	static const char *const useful[] = {"nft_limit", "nft_log", "nf_log_syslog", "nft_reject_inet", "nft_fib_inet",
					     "nft_connlimit", "nft_hash", "nft_numgen", "nft_quota", NULL};

	if (!viv_is_minimal(config) || !viv_config_bool(config, option))
		return;
	viv_strv_push_all(ret, needed);
	viv_strv_push_all(optional, useful);
}

/*
 * By the machine's nft. Names are sought after all is read, in the tables of the sandbox's own network: a host without
 * nftables, or without one of its modules, is no fault of the rules'.
 */
static void commands(const struct viv_config *config, struct viv_commands *ret)
{
	static const char check[] =
		"cat /" RULES " $(ls /" EXTRA " 2>/dev/null) >/tmp/rules\n"
		"if ! said=$(nft -c -f /tmp/rules 2>&1); then\n"
		"\tcase $said in *'cache initialization failed'* | *'Could not process rule'*) exit 0;; esac\n"
		"\techo \"$said\" | sed 's/^[^ :]*:[0-9]*:[0-9-]*: /nft: /'\n"
		"\texit 1\n"
		"fi\n";
	const char *rules = viv_config_string(config, extra);

	if (viv_config_bool(config, option))
		viv_commands_add(ret, rules && *rules ? extra : option, RULES " " EXTRA, check)->network_admin = true;
}

const struct viv_area viv_area_firewall = {
	.files = files, .packages = packages, .modules = modules, .commands = commands};
