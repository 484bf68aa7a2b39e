systemd.services.foo = { script = "true", startAt = "hourly" }
systemd.timers.foo = { description = "Now and then", timerConfig = { RandomizedDelaySec = "5min" }, wantedBy = { "timers.target" } }
systemd.timers.bar = { timerConfig = { OnBootSec = 30, Unit = "foo.service" }, wantedBy = { "timers.target" } }
systemd.sockets.foo = {
	listenStreams = { "/run/foo.sock", "127.0.0.1:8080" },
	listenDatagrams = { "9" },
	socketConfig = { Accept = false },
	wantedBy = { "sockets.target" },
}
systemd.targets.ready = {}
systemd.targets.more = { requires = { "ready.target" }, after = { "ready.target" } }
systemd.mounts = {
	{ what = "tmpfs", where = "/scratch-a/b c", type = "tmpfs", options = "size=1M", wantedBy = { "local-fs.target" } },
	{ what = "LABEL=100%", where = "/.x", mountConfig = { DirectoryMode = "0700" } },
}
systemd.tmpfiles.rules = { "d /var/cache/foo 0750 root root -", "L+ /x - - - - /y" }
