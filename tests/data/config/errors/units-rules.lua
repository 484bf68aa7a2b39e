systemd.services.a = {
	script = "x",
	serviceConfig = { ExecStart = "/bin/x" },
}
systemd.services["b@"] = { wantedBy = { "multi-user.target" }, script = "x" }
systemd.mounts = {
	{ what = "tmpfs" },
	{ where = "/x" },
	{ what = "a", where = "/x" },
}
