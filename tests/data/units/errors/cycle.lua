systemd.services.a = {
	script = "x",
	after = { "b.service" },
}
systemd.services.b.script = "x"
systemd.services.b.before = { "c.target" }
systemd.services.b.after = { "c.target", "d.target" }
systemd.targets.c.before = { "a.service" }
