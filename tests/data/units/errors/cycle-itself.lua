systemd.services.b = {
	script = "x",
	unitConfig = { After = "x.service b.service" },
}
