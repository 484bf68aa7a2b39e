# SPDX-License-Identifier: MIT
# The files that options of services write, and units that are wrong. services.test.lua has them in a machine.
. "$(dirname "$0")/lib.sh"

cat >vm.lua <<'EOF'
systemd.services.foo = {
	serviceConfig = { Type = "oneshot" },
	wantedBy = { "multi-user.target" },
	environment = { GREETING = [[100% "right" \ near $HOME]] },
	script = "echo \"This service runs $GREETING\" > /dev/kmsg",
}
systemd.services.tick = { serviceConfig = { Type = "oneshot" }, script = "echo tick > /run/tick" }
systemd.timers.tick = { timerConfig = { OnActiveSec = 1, AccuracySec = "1us" }, wantedBy = { "timers.target" } }
systemd.services.cron = { serviceConfig = { Nice = 5 }, preStart = "touch /run/cron-starts" }
services.cron.systemCronJobs = { "@reboot root true" }
EOF

# The plan: what each option writes.
expect 0 "$VIV" eval --etc /etc/systemd/system/foo.service
out_is '[Service]
Environment="GREETING=100%% \"right\" \\ near $HOME"
Type=oneshot
ExecStart=/usr/lib/viv/services/foo/start'
expect 0 "$VIV" eval --etc
grep -A 3 -F '# /usr/lib/viv/services/foo/start 0755 root:root' out >part
[ "$(head -n 3 part)" = '# /usr/lib/viv/services/foo/start 0755 root:root
# vm.lua:5: systemd.services.foo.script
#!/bin/bash -e' ] || fail "the script in the plan"
expect 0 "$VIV" eval --etc --json
expect 2 "$VIV" eval --etc /etc/nothing
err_has 'no option writes /etc/nothing'

# Units that systemd would not take as they are: nothing is built.
lines=$(wc -l <vm.lua)
cat vm.lua - >wrong.lua <<'EOF'
systemd.services.cron.serviceConfig.Nise = 5
systemd.timers.tick.timerConfig.OnCalendar = "Frday"
systemd.services.nothing.serviceConfig = { RemainAfterExit = true }
systemd.services.dot.serviceConfig.ExecStart = "./dot"
environment.etc["systemd/system/x.service"].text = "[Service]\nExecStart=/not/there\nKey=1\n"
EOF
expect 125 "$VIV" build -q wrong.lua
cp err said
err_has "wrong.lua:$((lines + 1)): systemd.services.cron.serviceConfig.Nise: cron.service.d/options.conf line "
err_has "wrong.lua:$((lines + 2)): systemd.timers.tick.timerConfig.OnCalendar: tick.timer line 4: "
err_has "wrong.lua:$((lines + 3)): systemd.services.nothing: nothing.service: "
err_has "wrong.lua:$((lines + 4)): systemd.services.dot.serviceConfig.ExecStart: dot.service line "
err_has "wrong.lua:$((lines + 5)): environment.etc[\"systemd/system/x.service\"]: x.service line 3: Unknown key"
[ "$(wc -l <said)" = 5 ] || fail "other lines than these five"
expect 125 "$VIV" build -q --set 'systemd.services.foo.before=["sysinit.target"]'
err_has "units wait for each other: "
err_has "sysinit.target is after foo.service (command line)"
