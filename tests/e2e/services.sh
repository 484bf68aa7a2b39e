# SPDX-License-Identifier: MIT
# What options say of services, in one machine with systemd: scripts, a timer, a socket, a mount, tmpfiles, a
# package's unit changed, cron, journald, the console's login, variables, aliases. Then units that are wrong.
. "$(dirname "$0")/lib.sh"

# Who writes to a pipe waits for its reader, and the other way round: nobody asks again and again.
cat >vm.lua <<'EOF'
boot.postBootCommands = "echo 'Not much to do before systemd :)' > /dev/kmsg"
systemd.services.foo = {
	serviceConfig = { Type = "oneshot" },
	wantedBy = { "multi-user.target" },
	environment = { GREETING = [[100% "right" \ near $HOME]] },
	script = "echo \"This service runs $GREETING\" > /dev/kmsg",
}
systemd.tmpfiles.rules = {
	"d /var/cache/foo 0750 www-data www-data -",
	"p /run/tick 0600 root root -", "p /run/cron 0600 root root -", "p /run/login 0600 root root -",
}
systemd.services.tick = { serviceConfig = { Type = "oneshot" }, script = "echo tick > /run/tick" }
systemd.timers.tick = { timerConfig = { OnActiveSec = 1, AccuracySec = "1us" }, wantedBy = { "timers.target" } }
systemd.sockets.back = {
	listenStreams = { "127.0.0.1:7777" },
	socketConfig = { Accept = true },
	wantedBy = { "sockets.target" },
}
systemd.services["back@"].serviceConfig = { ExecStart = "/usr/bin/cat", StandardInput = "socket" }
systemd.services["made@"].serviceConfig = {
	Type = "oneshot", RemainAfterExit = true, ExecStart = "/usr/bin/touch /run/made-%i",
}
systemd.services["made@one"].wantedBy = { "multi-user.target" }
systemd.mounts = { {
	what = "tmpfs", where = "/srv/a-b c", type = "tmpfs", options = "size=1M",
	wantedBy = { "multi-user.target" },
} }
systemd.targets.ready = { wants = { "foo.service" }, wantedBy = { "multi-user.target" } }
systemd.services.off = { enable = false, script = "true", wantedBy = { "multi-user.target" } }
systemd.services.cron = { serviceConfig = { Nice = 5 }, preStart = "touch /run/cron-starts" }
services.cron.systemCronJobs = { "@reboot root echo cron > /run/cron" }
services.journald.storage = "persistent"
services.journald.extraConfig = "SystemMaxUse=20M"
services.getty.helpLine = "Type CTRL-A X to exit QEMU\n"
environment.variables.TERM = "xterm"
environment.shellAliases.hi = "echo 'an alias'"
environment.etc["profile.d/login.sh"].text =
	"[ \"$(tty)\" != /dev/ttyS0 ] || echo \"$(id -un) $TERM\" > /run/login\n"
EOF
cat >guest.sh <<'EOF'
cat /run/tick /run/cron /run/login # first: with a job under way the system is not up
systemctl is-system-running --wait
systemctl --failed --no-legend
dmesg | grep -o 'Not much to do before systemd.*\|This service runs.*'
stat -c '%a %U %G %n' /var/cache/foo /run/made-one
exec 3<>/dev/tcp/127.0.0.1/7777
echo there and back >&3
read -r line <&3
exec 3<&-
echo "$line"
findmnt -n -o FSTYPE,OPTIONS '/srv/a-b c' | grep -o 'tmpfs\|size=[0-9]*k'
systemctl is-active ready.target
systemctl is-enabled off
systemctl show -P Nice cron
systemctl show -P FragmentPath cron
ls /run/cron-starts
ls -d /var/log/journal/*/system.journal | wc -l
systemd-analyze cat-config systemd/journald.conf | grep '^S'
printenv TERM
bash -lic hi 2>/dev/null
EOF
expect 0 "$VIV" run -q -d --name services
expect 0 "$VIV" exec services -- timeout 600 bash -c "$(cat guest.sh)"
out_is 'tick
cron
root xterm
running
Not much to do before systemd :)
This service runs 100% "right" \ near $HOME
750 www-data www-data /var/cache/foo
644 root root /run/made-one
there and back
tmpfs
size=1024k
active
masked
5
/usr/lib/systemd/system/cron.service
/run/cron-starts
1
Storage=persistent
SystemMaxUse=20M
xterm
an alias'
expect 0 "$VIV" logs services
out_has 'Type CTRL-A X to exit QEMU'
out_has 'login: root (automatic login)'

# What is waited for, told by events: what is so, what comes, what can't come.
expect 0 "$VIV" wait services --unit cron --unit ready.target --port 7777 --file '/srv/a-b c'
while read -r unit state; do
	expect 1 "$VIV" wait services --unit "$unit"
	err_is "viv: --unit $unit: $state"
done <<'EOF'
foo.service inactive
nothing.service not-found
off masked
EOF
expect 0 "$VIV" exec services -- sh -c 'mkfifo /run/begin /run/fail
	systemd-run -q --no-block -u later -p "ExecStartPre=sh -c \"read line </run/begin\"" sleep inf
	systemd-run -q --no-block -u broken -p "ExecStartPre=sh -c \"read line </run/fail; exit 1\"" sleep inf'
"$VIV" wait services --unit later --file /run/a/b --port 7778 -t 10m >later.log 2>&1 & later=$!
"$VIV" wait services --unit broken -t 10m >broken.log 2>&1 & broken=$!
expect 0 "$VIV" exec services -- sh -c 'echo >/run/begin; echo >/run/fail; mkdir -p /run/a/b
	systemd-run -q --socket-property=ListenStream=127.0.0.1:7778 -u listens true'
wait $later || fail "$(cat later.log)"
wait $broken
[ $? = 1 ] && [ "$(cat broken.log)" = "viv: --unit broken: failed" ] || fail "$(cat broken.log)"
expect 124 "$VIV" wait services --port 7779 -t 1s
expect 2 "$VIV" wait services --port 0
err_is 'viv: --port 0: 0: not a port'
expect 0 "$VIV" stop services

# The plan: what each option writes.
expect 0 "$VIV" eval --etc /etc/systemd/system/foo.service
out_is '[Service]
Environment="GREETING=100%% \"right\" \\ near $HOME"
Type=oneshot
ExecStart=/usr/lib/viv/services/foo/start'
expect 0 "$VIV" eval --etc
grep -A 3 -F '# /usr/lib/viv/services/foo/start 0755 root:root' out >part
[ "$(head -n 3 part)" = '# /usr/lib/viv/services/foo/start 0755 root:root
# vm.lua:6: systemd.services.foo.script
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
