systemd.timers.b.before = { "a.service" }
environment.etc["systemd/system/a.service.d/x.conf"].text = "[Unit]\nBefore=b.timer\n"
