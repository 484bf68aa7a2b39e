virtualisation.forwardPorts = {
	{ host = { port = 2222 }, guest = { port = 22 } },
	{ host = { port = 2222, address = "0.0.0.0" },
	  guest = { port = 23 } },
	{ guest = { port = 23 } },
	{ from = "guest", proto = "udp", host = { port = 1 }, guest = { port = 2 } },
	{ proto = "udp", host = { port = 2222 }, guest = { port = 22 } },
}
virtualisation.networks.lan = { kind = "tap" }
virtualisation.networks.a = { mac = "52:54:00:12:34:57" }
virtualisation.interfaces.c = { vlan = 1, mac = "52:54:00:12:34:57" }
virtualisation.interfaces.a = { vlan = 1 }
