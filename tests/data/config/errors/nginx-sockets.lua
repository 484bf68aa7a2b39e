services.nginx.virtualHosts["a.example"] = { addSSL = true }
services.nginx.virtualHosts["b.example"] = {
	listen = {
		{ port = 8080 },
		{ port = 443 },
	},
}
services.nginx.virtualHosts.c = { listen = { { addr = "*", port = 8080, extraParameters = { "ssl" } } } }
services.nginx.virtualHosts.d = { listen = { { addr = "[::]", port = 8080, ssl = true }, { addr = "127.0.0.1", port = 8080, ssl = true } } }
services.nginx.virtualHosts.e = { forceSSL = true }
services.nginx.virtualHosts.f = { listen = { { port = 7000, ssl = true }, { port = 7000 } } }
