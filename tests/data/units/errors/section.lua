environment.etc["systemd/system/x.timer.d/y.conf"].text = "[Service]\n"
