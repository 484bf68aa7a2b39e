systemd.services.x.script = "true"
systemd.timers.x = { timerConfig = { OnBootSec = 5 }, wantedBy = { "timers.target" } }
environment.etc["systemd/system/x.timer"].text = "[Timer]\nOnBootSec=6\n"
