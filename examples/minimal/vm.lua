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

-- Its certificate each machine makes for itself when it first starts: no key is ever in an image.
services.nginx.enable = true
services.nginx.virtualHosts.minimal = { root = "/etc/www", addSSL = true, default = true }
environment.etc["www/index.html"].text = "<!doctype html>\n<title>minimal</title>\n<p>It works.\n"
