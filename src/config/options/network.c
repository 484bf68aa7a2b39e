/* SPDX-License-Identifier: MIT */
/* The network, inside and outside. */

#include "config/options/area.h"

static const struct viv_option forward_host_fields[] = {
	{.name = "address",
	 .type = VIV_T_TEXT(&viv_rule_ip4),
	 .fallback = "\"127.0.0.1\"",
	 .example = "\"0.0.0.0\"",
	 .text = "The host's address; 0.0.0.0 is all of them, for the whole network to reach."},
	{.name = "port",
	 .type = VIV_T_NULL_OR(VIV_T_INT(1, 65535)),
	 .fallback = "null",
	 .example = "2222",
	 .text = "The host's port. It must be given."},
};

static const struct viv_option forward_guest_fields[] = {
	{.name = "address",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_ip4)),
	 .fallback = "null",
	 .fallback_text = "the guest's",
	 .example = "\"10.0.2.100\"",
	 .text = "The guest's address; with from = \"guest\" the one that it connects to, in 10.0.2.0/24."},
	{.name = "port",
	 .type = VIV_T_NULL_OR(VIV_T_INT(1, 65535)),
	 .fallback = "null",
	 .example = "22",
	 .text = "The guest's port. It must be given."},
};

static const struct viv_option forward_fields[] = {
	{.name = "from",
	 .type = VIV_T_ENUM("host", "guest"),
	 .fallback = "\"host\"",
	 .text = "Who connects: the host to a port of the guest, or the guest to a port of the host."},
	{.name = "proto",
	 .type = VIV_T_ENUM("tcp", "udp"),
	 .fallback = "\"tcp\"",
	 .example = "\"udp\"",
	 .text = "The protocol; udp only from the host."},
	{.name = "host",
	 .type = VIV_T_SUBMODULE(forward_host_fields),
	 .fallback = "{}",
	 .example = "{ port = 2222 }",
	 .text = "The end at the host."},
	{.name = "guest",
	 .type = VIV_T_SUBMODULE(forward_guest_fields),
	 .fallback = "{}",
	 .example = "{ port = 22 }",
	 .text = "The end at the guest."},
};

static const struct viv_option segment_fields[] = {
	{.name = "vlan",
	 .type = VIV_T_INT(1, 254),
	 .fallback = "1",
	 .example = "2",
	 .text = "The segment that the interface is on."},
	{.name = "assignIP",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "Give it the addresses 192.168.N.M and 2001:db8:N::M, N being the segment and M the "
		 "machine's number on it."},
	{.name = "mac",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_mac)),
	 .fallback = "null",
	 .fallback_text = "52:54:00:13:N:M",
	 .example = "\"52:54:00:13:01:07\"",
	 .text = "Its hardware address."},
};

static const struct viv_option network_fields[] = {
	{.name = "kind",
	 .type = VIV_T_ENUM("user", "tap", "bridge", "passt"),
	 .fallback = "\"user\"",
	 .example = "\"passt\"",
	 .text = "user: QEMU's own, with a way out through the host. tap: a device of the host's that "
		 "belongs to you. bridge: a bridge of the host's, through QEMU's helper. passt: a way "
		 "out through the program passt. `viv doctor net` says how to make tap and bridge."},
	{.name = "device",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_interface)),
	 .fallback = "null",
	 .example = "\"tap0\"",
	 .text = "The host's device: the tap, or the bridge."},
	{.name = "mac",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_mac)),
	 .fallback = "null",
	 .fallback_text = "one that follows from the machine's and the network's name",
	 .example = "\"52:54:00:aa:bb:cc\"",
	 .text = "The hardware address in the guest."},
	{.name = "addresses",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_cidr)),
	 .fallback = "[]",
	 .example = "{ \"192.168.100.2/24\" }",
	 .text = "The guest's addresses. Without one a tap or bridge gets its own by DHCP, which needs "
		 "systemd."},
	{.name = "gateway",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_ip)),
	 .fallback = "null",
	 .example = "\"192.168.100.1\"",
	 .text = "The way out through this network."},
};

static const struct viv_option address_fields[] = {
	{.name = "address",
	 .type = VIV_T_TEXT(&viv_rule_ip),
	 .fallback = "\"\"",
	 .example = "\"192.168.1.7\"",
	 .text = "An address."},
	{.name = "prefixLength",
	 .type = VIV_T_INT(0, 128),
	 .fallback = "24",
	 .example = "64",
	 .text = "How many of its bits are the network's."},
};

static const struct viv_option interface_family_fields[] = {
	{.name = "addresses",
	 .type = VIV_T_LIST(VIV_T_SUBMODULE(address_fields)),
	 .fallback = "[]",
	 .example = "{ { address = \"192.168.1.7\", prefixLength = 24 } }",
	 .text = "Addresses of the interface."},
};

static const struct viv_option interface_fields[] = {
	{.name = "ipv4",
	 .type = VIV_T_SUBMODULE(interface_family_fields),
	 .fallback = "{}",
	 .text = "IPv4."},
	{.name = "ipv6",
	 .type = VIV_T_SUBMODULE(interface_family_fields),
	 .fallback = "{}",
	 .text = "IPv6."},
};

static const struct viv_option rows[] = {
	{.name = "networking.defaultGateway",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_ip)),
	 .fallback = "null",
	 .fallback_text = "the user network's",
	 .example = "\"192.168.1.1\"",
	 .text = "The way out."},
	{.name = "networking.domain",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_domain)),
	 .fallback = "null",
	 .example = "\"example.org\"",
	 .text = "The domain that the machine's name is in."},
	{.name = "networking.extraHosts",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .example = "\"192.168.1.9 printer\"",
	 .text = "Lines for /etc/hosts."},
	{.name = "networking.hostName",
	 .type = VIV_T_TEXT(&viv_rule_host_name),
	 .fallback = "\"vm\"",
	 .example = "\"web\"",
	 .text = "The machine's name."},
	{.name = "networking.interfaces",
	 .type = VIV_T_SET(&viv_rule_interface, "<name>", VIV_T_SUBMODULE(interface_fields)),
	 .fallback = "{}",
	 .example = "{ eth1 = { ipv4 = { addresses = { { address = \"192.168.1.7\" } } } } }",
	 .text = "Addresses of interfaces, by name: eth0 is the user network, then come those of "
		 "virtualisation.vlans."},
	{.name = "networking.nameservers",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_ip)),
	 .fallback = "[]",
	 .fallback_text = "the user network's, which asks the host",
	 .example = "{ \"192.168.1.1\" }",
	 .text = "Whom the machine asks for names."},
	{.name = "networking.useDHCP",
	 .type = VIV_T_BOOL,
	 .fallback = "true",
	 .example = "false",
	 .text = "Interfaces on a tap or a bridge that nothing else gives an address ask for one. The "
		 "user network's is known and is not asked for."},
	{.name = "virtualisation.forwardPorts",
	 .type = VIV_T_LIST(VIV_T_SUBMODULE(forward_fields)),
	 .fallback = "[]",
	 .example = "{ { host = { port = 2222 }, guest = { port = 22 } } }",
	 .text = "Ports of the host that lead into the guest, or the other way."},
	{.name = "virtualisation.interfaces",
	 .type = VIV_T_SET(&viv_rule_interface, "<name>", VIV_T_SUBMODULE(segment_fields)),
	 .fallback = "{}",
	 .example = "{ lan = { vlan = 1, assignIP = false } }",
	 .text = "Interfaces on segments, with names of your own; as virtualisation.vlans."},
	{.name = "virtualisation.networks",
	 .type = VIV_T_SET(&viv_rule_interface, "<name>", VIV_T_SUBMODULE(network_fields)),
	 .fallback = "{}",
	 .fallback_text = "eth0 is a user network",
	 .example = "{ lan = { kind = \"tap\", device = \"tap0\", addresses = { \"192.168.100.2/24\" } } }",
	 .text = "Networks of the host's that the machine is on, by the interface's name in the machine. "
		 "One named eth0 takes the user network's place."},
	{.name = "virtualisation.restrictNetwork",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "No way out of the machine's network."},
	{.name = "virtualisation.vlans",
	 .type = VIV_T_LIST(VIV_T_INT(1, 254)),
	 .fallback = "[]",
	 .example = "{ 1, 2 }",
	 .text = "Ethernet segments that the machine is on: eth1 is on the first, eth2 on the second. Your "
		 "machines on one segment reach each other, by name too; nobody else does."},
};

const struct viv_option_area viv_options_network = VIV_OPTION_AREA(rows);
