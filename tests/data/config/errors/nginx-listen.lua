local tls, plain = { port = 9443, ssl = true }, { port = 9080 }
services.nginx.virtualHosts.only = { onlySSL = true, listen = { plain } }
services.nginx.virtualHosts.only_both = { onlySSL = true, listen = { plain, tls } }
services.nginx.virtualHosts.add = { addSSL = true, listen = { plain } }
services.nginx.virtualHosts.force = { forceSSL = true, listen = { plain } }
services.nginx.virtualHosts.force_tls = { forceSSL = true, listen = { tls } }
services.nginx.virtualHosts.fine = { forceSSL = true, listen = { plain, tls } }
services.nginx.virtualHosts.fine_only = { onlySSL = true, listen = { tls } }
services.nginx.virtualHosts.fine_add = { addSSL = true, listen = { tls } }
services.nginx.virtualHosts.sockets = { locations = { ["/"] = { proxyWebsockets = true } } }
