services.postgresql = { enable = true }
services.nfs.server.enable = true
services.mailserver.enable = true
services.openssh.banner = "hello"
programs.firefox.enable = true
services.ngin.enable = true
users.motd = "hello"
systemd.user.services.agent.script = "true"
systemd.paths.watch.enable = true
virtualisation.docker.enable = true
networking.nat = { enable = true }
services.prometheus.exporters.node.enable = true
services.fail2ban = { enable = true, jails = {} }
networking.hostName = ref "services.redis.port"
