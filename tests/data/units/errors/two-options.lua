systemd.services.x.script = "y"
environment.etc["systemd/system/x.service"].text = "[Service]\nExecStart=/bin/true\n"
