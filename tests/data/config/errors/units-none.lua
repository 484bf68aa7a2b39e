system.init = "none"
systemd.services.a.script = "x"
systemd.tmpfiles.rules = { "d /x" }
systemd.mounts = { { what = "tmpfs", where = "/x" } }
services.cron.enable = true
services.getty.helpLine = "x"
