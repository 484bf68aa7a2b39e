networking.usePredictableInterfaceNames = true
networking.interfaces.eth1.ipv4.addresses = {
	{ prefixLength = 24 },
	{ address = "2001:db8::1" },
	{ address = "192.168.1.1", prefixLength = 64 } }
networking.interfaces.eth1.ipv6.addresses = { { address = "192.168.1.1" } }
networking.firewall.allowedTCPPortRanges = { { from = 9, to = 9 },
	{ from = 9, to = 8 } }
networking.firewall.interfaces.eth1.allowedUDPPortRanges = { { from = 9, to = 8 } }
swapDevices = { {}, { device = "/dev/vdb", size = "1G" },
	{ device = "/swap" }, { device = "/swap" } }
security.sudo.extraRules = { { commands = { {} } }, { users = { "paul" } } }
services.nginx.virtualHosts.a = { addSSL = true, onlySSL = true, default = true, sslCertificate = "/a.pem",
	locations = { ["/"] = { root = "/a", alias = "/b" } } }
services.nginx.virtualHosts.b = { default = true }
services.openssh.settings = { match = "User root" }
