-- A whole system of 12 MB: a kernel, an initrd, one squashfs image. runit, an ssh server, a web server.
--
--   viv run examples/minimal/vm.lua                 a shell in it
--   viv build -t dist examples/minimal/vm.lua       result/: command-line, initrd, kernel, root.squashfs
--
-- While it runs, with your key in it (below):
--
--   ssh -p 2222 root@127.0.0.1
--   curl http://127.0.0.1:9080
--   curl -k https://127.0.0.1:9443
--
imports = { "profiles/minimal" }

networking.hostName = "minimal"
virtualisation.memorySize = 256

services.openssh.enable = true
-- users.users.root.openssh.authorizedKeys.keyFiles = { "~/.ssh/id_ed25519.pub" }

virtualisation.forwardPorts = {
	{ from = "host", host = { port = 2222 }, guest = { port = 22 } },
	{ from = "host", host = { port = 9080 }, guest = { port = 80 } },
	{ from = "host", host = { port = 9443 }, guest = { port = 443 } },
}

-- The web server, with a certificate that each machine makes for itself when it first starts: no key is ever in
-- an image.
system.minimal.packages.nginx.files = { "usr/sbin/nginx" }
system.minimal.packages.openssl.files = { "usr/bin/openssl" }
system.minimal.links["/usr/lib/ssl/openssl.cnf"] = "/etc/ssl/openssl.cnf"
users.users["www-data"] = { isSystemUser = true, group = "www-data" }
users.groups["www-data"] = {}

runit.services.nginx.run = [[
key=/etc/ssl/private/nginx.key
if [ ! -s $key ]; then
	mkdir -p -m 700 /etc/ssl/private
	umask 077
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 \
		-subj "/CN=$(hostname)" -keyout $key.new -out /etc/ssl/nginx.crt 2>/dev/null
	mv $key.new $key
fi
mkdir -p /var/log/nginx /var/lib/nginx
exec nginx -g 'daemon off;'
]]

environment.etc["ssl/openssl.cnf"].text = "[req]\ndistinguished_name = name\n[name]\n"
environment.etc["nginx/nginx.conf"].text = [[
user www-data;
pid /run/nginx.pid;
events {}
http {
	types { text/html html; text/css css; image/png png; }
	default_type application/octet-stream;
	server {
		listen 80;
		listen 443 ssl;
		ssl_certificate /etc/ssl/nginx.crt;
		ssl_certificate_key /etc/ssl/private/nginx.key;
		root /etc/www;
	}
}
]]
environment.etc["www/index.html"].text = "<!doctype html>\n<title>minimal</title>\n<p>It works.\n"
