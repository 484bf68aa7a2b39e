systemd.services["c.service"] = { script = "x" }
systemd.services.d.serviceConfig["Bad Key"] = 1
systemd.services.e.serviceConfig.Foo = "a\n[Install]"
systemd.services.f.serviceConfig.Foo = "a\\"
systemd.services.g.after = { "network" }
systemd.services.h.description = "100% done"
systemd.services.i.environment = { ["A B"] = "x" }
systemd.services.i.environment.C = "x\ny"
systemd.services.j.scripts = "x"
systemd.tmpfiles.rules = { "d /x\nd /y" }
systemd.timers.t.timerConfig.OnCalendar = { "daily", 5, { 1 } }
systemd.mounts = { { what = "tmpfs", where = "x" } }
