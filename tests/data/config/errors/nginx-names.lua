services.nginx.virtualHosts.c = { serverName = "a,IP:192.0.2.1",
	serverAliases = { "b", "c/O=x" } }
