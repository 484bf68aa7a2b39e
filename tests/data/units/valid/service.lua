-- Values that would break a unit's line, or reach into the next one, if they were written as they are.
systemd.services.foo = {
	description = "Instance %i, 100%% sure",
	documentation = { "man:foo(8)", "https://example.org/" },
	after = { "network.target", "bar@%i.service" },
	wants = { "bar.socket" },
	wantedBy = { "multi-user.target", "multi-user.target" },
	requiredBy = { "foo.target" },
	unitConfig = { ConditionPathExists = { "/dev/vdb", "!/run/off" }, DefaultDependencies = false },
	serviceConfig = { Type = "oneshot", RemainAfterExit = true, Nice = 5 },
	environment = { A = [[100% "sure" \ $HOME 'x']], B = "  blanks  ", C = "" },
	script = "echo up\necho 'and on'",
	preStart = "true\n",
	postStart = "true", preStop = "true", postStop = "true", reload = "true",
	startAt = { "hourly", "Mon *-*-* 4:00" },
}
systemd.services["a\\x2db@"].script = "true"
systemd.services["a\\x2db@x:1"].serviceConfig.ExecStart = "/bin/true %i"
systemd.services.plain.serviceConfig = { ExecStart = { "", "/bin/true", "/bin/false" }, Type = "oneshot" }
systemd.services.off = { enable = false, script = "true", wantedBy = { "multi-user.target" }, startAt = "daily" }
