/* SPDX-License-Identifier: MIT */
/* What of the network reaches the machine. */

#include "config/options/area.h"

static const struct viv_option range_fields[] = {
	{.name = "from",
	 .type = VIV_T_INT(1, 65535),
	 .fallback = "1",
	 .example = "8000",
	 .text = "The first port."},
	{.name = "to",
	 .type = VIV_T_INT(1, 65535),
	 .fallback = "65535",
	 .example = "8010",
	 .text = "The last one."},
};

#define PORTS  VIV_T_LIST(VIV_T_INT(1, 65535))
#define RANGES VIV_T_LIST(VIV_T_SUBMODULE(range_fields))

static const struct viv_option interface_fields[] = {
	{.name = "allowedTCPPorts",
	 .type = PORTS,
	 .fallback = "[]",
	 .example = "{ 22, 80 }",
	 .text = "TCP ports that are open on this interface."},
	{.name = "allowedTCPPortRanges",
	 .type = RANGES,
	 .fallback = "[]",
	 .example = "{ { from = 8000, to = 8010 } }",
	 .text = "Ranges of them."},
	{.name = "allowedUDPPorts",
	 .type = PORTS,
	 .fallback = "[]",
	 .example = "{ 53 }",
	 .text = "UDP ports that are open on this interface."},
	{.name = "allowedUDPPortRanges",
	 .type = RANGES,
	 .fallback = "[]",
	 .example = "{ { from = 60000, to = 61000 } }",
	 .text = "Ranges of them."},
};

static const struct viv_option rows[] = {
	{.name = "networking.firewall.allowPing",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "The machine answers pings."},
	{.name = "networking.firewall.allowedTCPPortRanges",
	 .type = RANGES,
	 .fallback = "[]",
	 .example = "{ { from = 8000, to = 8010 } }",
	 .text = "Ranges of open TCP ports."},
	{.name = "networking.firewall.allowedTCPPorts",
	 .type = PORTS,
	 .fallback = "[]",
	 .example = "{ 80, 443 }",
	 .text = "TCP ports that are open on every interface. Those of services.openssh are added, unless its "
		 "openFirewall is false."},
	{.name = "networking.firewall.allowedUDPPortRanges",
	 .type = RANGES,
	 .fallback = "[]",
	 .example = "{ { from = 60000, to = 61000 } }",
	 .text = "Ranges of open UDP ports."},
	{.name = "networking.firewall.allowedUDPPorts",
	 .type = PORTS,
	 .fallback = "[]",
	 .example = "{ 53 }",
	 .text = "UDP ports that are open on every interface."},
	{.name = "networking.firewall.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .inits = VIV_INIT_SYSTEMD | VIV_INIT_RUNIT,
	 .text = "Drop what reaches the machine's network unasked, but for what is allowed here, with "
		 "nftables, which is the unit's name, too (NixOS's is firewall). Its own nft checks the rules when it is "
		 "built, and a machine that can't load them ends its start. Commands from the host do not come by the "
		 "network and always work. NixOS's default is true: a machine here is reached by forwarded ports and its "
		 "own segments only."},
	{.name = "networking.firewall.extraInputRules",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .example = "\"ip saddr 192.168.1.0/24 accept\"",
	 .text = "Further rules of nft(8), asked before what is left is dropped. They are loaded after the others: "
		 "if that fails, what is left is dropped all the same, and nftables.service has failed."},
	{.name = "networking.firewall.interfaces",
	 .type = VIV_T_SET(&viv_rule_interface, "<name>", VIV_T_SUBMODULE(interface_fields)),
	 .fallback = "{}",
	 .example = "{ eth1 = { allowedTCPPorts = { 5432 } } }",
	 .text = "Ports that are open on one interface, by its name in the machine. It need not be declared: programs "
		 "make interfaces, too (a bridge, a VPN)."},
};

const struct viv_option_area viv_options_firewall = VIV_OPTION_AREA(rows);
