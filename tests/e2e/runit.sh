# SPDX-License-Identifier: MIT
# A Debian root on runit: its three stages, services of runit's and of systemd.services, first boot, power off.
. "$(dirname "$0")/lib.sh"

# What can't be had is said, with its place, before anything is built.
refused() { # LINE WORDS…: the second line of a machine file
	printf 'system.init = "runit"\n%s\n' "$1" >bad.lua
	shift
	expect 125 "$VIV" eval --etc bad.lua
	for text; do err_has "$text"; done
}
refused 'systemd.services.a = { script = "x", serviceConfig = { Type = "notify" } }' \
	'bad.lua:2: systemd.services.a.serviceConfig.Type: "notify" can'\''t be had'
refused 'systemd.services.a = { script = "x", startAt = "hourly" }' 'bad.lua:2: systemd.services.a.startAt: nothing stands for this on runit'
refused 'systemd.services.a = { script = "x", preStop = "y" }' 'bad.lua:2: systemd.services.a.preStop:'
refused 'systemd.services.a = { script = "x", requires = { "a.socket" } }' 'bad.lua:2: systemd.services.a.requires: there is no a.socket'
refused 'systemd.services.a = { serviceConfig = { Nice = 5 } }' 'systemd.services.a: it has neither script nor ExecStart'
refused 'systemd.services.a = { serviceConfig = { ExecStart = "+/bin/x" } }' 'the prefix "+" can'\''t be had'
refused 'systemd.services.a = { serviceConfig = { ExecStart = "/bin/x %n" } }' 'the specifier %n can'\''t be had'
refused 'systemd.services.a = { script = "x", serviceConfig = { MemoryMax = "1G" } }' 'systemd.services.a.serviceConfig.MemoryMax: nothing'
refused 'systemd.sockets.a = { listenStreams = { "80" } }' 'bad.lua:2: systemd.sockets.a: needs system.init = "systemd"'
refused 'for _, n in ipairs { "a", "b" } do systemd.services[n] = { script = "x", serviceConfig = { Type = "oneshot" } } end
systemd.services.a.after = { "b.service" } systemd.services.b.after = { "a.service" }' 'a cycle of services that wait for each other: a -> b -> a'
refused 'systemd.services["c@"] = { script = "x" }' 'bad.lua:2: systemd.services["c@"]: there are no templates'
refused 'systemd.services.a = { script = "x", requires = { "b.service" } } systemd.services.b = { script = "x", enable = false }' \
	'bad.lua:2: systemd.services.a.requires: there is no b.service'
refused 'systemd.services.a = { script = "x", wantedBy = { "b.socket" } }' 'systemd.services.a.wantedBy: there is no b.socket'
refused 'systemd.services.a = { script = "x", before = { "b.service" } }
systemd.services.b = { script = "x", serviceConfig = { Type = { "oneshot" } } }' \
	'bad.lua:2: systemd.services.a.before: b.service runs once, before all services: it can'\''t wait for one'
refused 'systemd.services.a = { script = "x", wants = { "b.service" } } systemd.services.b = { script = "x", serviceConfig = { Type = "oneshot" } }' \
	'bad.lua:2: systemd.services.a.wants: b.service runs once, at boot, and nothing starts it then: this'
once='systemd.services.a = { script = "x", wantedBy = { "multi-user.target" }, serviceConfig = { Type = "oneshot" } } systemd.services.a'
refused "$once.postStop = 'x'" 'bad.lua:2: systemd.services.a.postStop: what runs once can'\''t have this'
while IFS='|' read -r key value text; do
	refused "$once.serviceConfig.$key = $value" "bad.lua:2: systemd.services.a.serviceConfig.$key: $text"
done <<'E2'
ExecStopPost|"/bin/x"|what runs once can't have this
Restart|"always"|"always" can't be had of what runs once
SyslogIdentifier|"x"|what runs once writes to the console
TimeoutStartSec|"5min"|"5min" can't be had (infinity can)
User|"x; touch /pwn"|"x; touch /pwn" can't be had (a name or a number can)
User|"4294967295"|"4294967295" can't be had
Group|{ "x", "$(y)" }|"$(y)" can't be had
UMask|"$(touch /pwn)"|"$(touch /pwn)" is no mask
UMask|"0797"|"0797" is no mask
Nice|"$(x)"|"$(x)" can't be had
StateDirectory|"../../etc/x"|"../../etc/x" is no name of a folder
RuntimeDirectory|{ "a", "b:c" }|"b:c" is no name of a folder
LogsDirectory|"%p"|the specifier %p can't be had
WorkingDirectory|"a"|"a" is no path
WorkingDirectory|"/%p"|"/%p" is no path
StandardOutput|"append:x"|"x" is no path
StandardOutput|"socket"|"socket" can't be had (journal,
StandardError|"fd:x"|"fd:x" can't be had (journal,
Environment|"x;y=1"|"x;y=1" is no NAME=value
Environment|"x"|"x" is no NAME=value
E2
refused 'systemd.services.a.serviceConfig = { ExecStart = "-/bin/x", Restart = "on-failure" }' 'the prefix "-" can'\''t be had with this Restart'
refused 'runit.services.a.log = "x"' 'bad.lua:2: runit.services.a: give its run script'
printf 'runit.services.a.run = "x"\n' >bad.lua
expect 125 "$VIV" eval --etc bad.lua
err_has 'bad.lua:1: runit.services.a: needs system.init = "runit"'

refused 'system.root = "minimal" services.getty.helpLine = "x"' 'bad.lua:2: services.getty.helpLine: there is no login on the console of a minimal root'
refused 'system.root = "minimal" services.getty.autologinUser = "root"' 'bad.lua:2: services.getty.autologinUser: there is no login on the console of a minimal root'

# The firewall and swap come before what users run, of which one may take for ever.
cat >order.lua <<'E2'
system.init = "runit"
networking.firewall.enable = true
zramSwap.enable = true
virtualisation.emptyDiskImages = { 64 }
swapDevices = { { device = "/dev/vdb" } }
for i = 1, 501 do systemd.services["once" .. i] = {
	script = "x", serviceConfig = { Type = "oneshot" }, wantedBy = { "multi-user.target" } } end
E2
expect 0 "$VIV" eval --etc order.lua
grep -oE 'etc/runit/boot.d/[0-9]+-[a-z-]*' out | LC_ALL=C sort -u | cut -d/ -f4 | tr '\n' ' ' >names
grep -qE '^10-firewall .*20-viv-.* 30-swap 31-zram-swap 50-' names || fail "$(cut -c1-300 names)"
[ "$(grep -oE 'boot.d/50-[0-9]{5}-once' out | sort -u | wc -l)" = 501 ] || fail "$(cut -c1-300 names)"

cat >vm.lua <<'E2'
system.init = "runit"
networking.hostName = "runner"
services.openssh.enable = true
services.getty = { autologinUser = "paul", helpLine = "Type CTRL-A X to exit QEMU" }
users.users.paul = { isNormalUser = true, extraGroups = { "games" } }
environment.etc["profile.d/logins.sh"].text = '[ ! -t 0 ] || echo "$(id -un) on $(tty)" >>/tmp/logins'
runit.services.hello = {
	run = "echo hello\nexec sleep inf",
	finish = "echo $1 > /run/hello-ended",
	log = "mkdir -p /var/log/hello\nexec svlogd /var/log/hello",
}
systemd.services.first = {
	script = "echo first >> /run/order",
	serviceConfig = { Type = "oneshot", RemainAfterExit = true },
	before = { "a-second.service" }, wantedBy = { "multi-user.target" },
}
systemd.services["a-second"] = {
	environment = { NAME = "two  words" },
	serviceConfig = { Type = "oneshot", ExecStart = "/bin/sh -c 'echo \"$$NAME ${NAME}\" 100%% >> /run/order'" },
	wantedBy = { "multi-user.target" },
}
systemd.services.daemon = {
	after = { "network.target" }, wantedBy = { "multi-user.target" },
	environment = { COLOUR = "it's red" },
	serviceConfig = { User = "paul", Group = "games", WorkingDirectory = "/tmp", RuntimeDirectory = "daemon", UMask = "0027" },
	preStart = "echo before > /run/daemon/before",
	script = "id -un; id -gn; pwd; umask; echo $COLOUR; echo up > /run/daemon/up; exec sleep inf",
}
systemd.services.fails = { script = "echo again >> /run/fails; exit 1", wantedBy = { "multi-user.target" } }
systemd.services.lists = {
	after = { "daemon.service" }, wants = { "network-online.target", "pulled.service" }, wantedBy = { "multi-user.target" },
	environment = { ONE = "0", GLOB = "/etc/host*  'x" },
	serviceConfig = { User = "paul", Environment = { "ONE=1 TWO=2", "THREE='3 3'" }, RuntimeDirectory = { "lists", "lists-2" },
		WorkingDirectory = "~", StandardOutput = "append:/var/log/lists.txt", Nice = 5, SyslogIdentifier = "lister",
		ExecStopPost = "/bin/sh -c 'id -un >/run/lists/over'", StandardError = "journal",
		ExecStartPre = { "/bin/echo", "", "/usr/bin/printf <%%s> $GLOB ${GLOB}", "-/bin/false" },
		ExecStart = "/bin/sh -c 'echo; id -Gn; pwd; nice; echo $ONE $TWO $THREE $HOME $SHELL; cat /run/daemon/up; echo trouble >&2; exec sleep inf'" },
}
systemd.services.pulled = { wants = { "further.service" }, script = "exec sleep inf" }
systemd.services.further = { script = "exec sleep inf", serviceConfig = { User = "1000", Group = 60, StandardOutput = "null" } }
systemd.services.online = { script = "exec sleep inf", wantedBy = { "network-online.target" } }
systemd.services.offline = { script = "exec sleep inf", wantedBy = { "rescue.target" }, requires = { "needed.service" } }
systemd.services.needed = { script = "exec sleep inf" }
systemd.services["g\\x2dh"] = { script = "exec sleep inf", wantedBy = { "multi-user.target" } }
systemd.services.broken = { script = "exit 3", wantedBy = { "multi-user.target" }, serviceConfig = { Type = "oneshot" } }
for _, n in ipairs { "after-broken", "long-after-broken" } do
	systemd.services[n] = { script = "touch /run/" .. n, after = { "broken.service" }, requires = { "broken.service" },
		wantedBy = { "multi-user.target" } }
end
systemd.services["after-broken"].serviceConfig.Type = "oneshot"
-- What fails ends a service that runs once, but not a plain list of commands.
systemd.services.half = {
	serviceConfig = { Type = "oneshot", ExecStart = { "/bin/false", "/bin/touch /run/half" } }, wantedBy = { "multi-user.target" } }
boot.postBootCommands = "false; mkdir -p /run/post; false\ntouch /run/post/on; (exit 4)"
systemd.services.manual = { script = "exec sleep inf" }
systemd.services.off = { script = "exec sleep inf", enable = false, wantedBy = { "multi-user.target" } }
E2

cat >check <<'E2'
set -e
fail() { echo "FAILED: $*"; exit 1; }
[ "$(cat /proc/1/comm)" = runit ] || fail "PID 1 is $(cat /proc/1/comm)"
[ "$(hostname)" = runner ] || fail hostname
ip -4 addr show eth0 2>/dev/null | grep -q inet || grep -q '^eth0' /proc/net/route || fail network
[ "$(cat /run/order)" = 'first
two  words two  words 100%' ] || fail "order: $(cat /run/order)"
# Services start beside each other: sv waits for each.
for s in hello daemon ssh getty-ttyS0; do sv -w 60 start $s >/dev/null || fail "$s: $(sv status $s)"; done
until_there() { timeout 60 tail -n +1 -F "$1" 2>/dev/null | grep -qm1 -- "$2" || fail "$1 has no $2"; }
until_there /run/daemon/up up
until_there /var/log/daemon/current "it's red"
sed 's/^[^ ]* //' /var/log/daemon/current | tr '\n' ' ' | grep -q "paul games /tmp 0027 it's red" || fail "$(cat /var/log/daemon/current)"
[ -e /run/daemon/before ] || fail preStart
until_there /var/log/hello/current hello
sv status manual | grep -q ^down || fail "manual: $(sv status manual)"
[ ! -e /etc/sv/off ] || fail off
sv -w 60 down hello >/dev/null
[ "$(cat /run/hello-ended)" = -1 ] || fail "finish: $(cat /run/hello-ended)"
# Lists, output, a user with all of his groups, other services.
until_there /var/log/lists/current 'lister: trouble'
[ "$(cat /var/log/lists.txt)" = "</etc/host*><'x></etc/host*  'x>
paul games
/home/paul
5
1 2 3 3 /home/paul /bin/bash
up" ] || fail "lists: $(cat /var/log/lists.txt)"
[ "$(stat -c %U /run/lists /run/lists-2 | sort -u)" = paul ] || fail RuntimeDirectory
sv -w 60 down lists >/dev/null
[ "$(cat /run/lists/over)" = paul ] || fail ExecStopPost
for s in pulled further online 'g\x2dh'; do sv -w 60 check "$s" >/dev/null && sv status "$s" | grep -q ^run || fail "$s: $(sv status "$s")"; done
[ "$(stat -c %u:%g /proc/$(cat /run/runit/supervise/further/pid))" = 1000:60 ] || fail "further: $(stat -c %u:%g /proc/$(cat /run/runit/supervise/further/pid))"
for s in offline needed; do sv status $s | grep -q ^down || fail "$s: $(sv status $s)"; done
sv -w 60 start offline >/dev/null && sv -w 60 check needed >/dev/null && sv status needed | grep -q ^run || fail "needed: $(sv status needed)"
until_there /var/log/long-after-broken/current "broken failed, which is required"
[ ! -e /run/after-broken ] && [ ! -e /run/long-after-broken ] || fail broken
[ ! -e /run/half ] || fail half
[ -e /run/post/on ] || fail postBootCommands
# The console's login, which knows whom to let in.
until_there /tmp/logins "paul on /dev/ttyS0"
[ "$(cat /etc/issue.d/viv-help.issue)" = "Type CTRL-A X to exit QEMU" ] || fail helpLine
# No Restart: it ended, and that was it.
until_there /run/fails again
sv -w 60 down fails >/dev/null
[ "$(wc -l </run/fails)" = 1 ] || fail "fails: $(cat /run/fails)"
# A host key of its own; the server answers.
[ -s /etc/ssh/ssh_host_ed25519_key ] || fail "no host key"
until_there /proc/net/tcp ':0016 00000000:0000 0A'
E2
# Holds a file of the disk and heeds no SIGTERM: the end waits until it is gone.
cat >hold <<'E2'
trap '' TERM
exec 3>/var/tmp/held
echo up >/run/held
exec sleep inf
E2
expect 0 "$VIV" run --keep vm.lua -- sh -c 'sh ./check && mkfifo /run/held && { setsid sh ./hold & } && cat /run/held'
grep -q 'boot.d/50-[0-9]*-broken ended with status 3$' err || fail "broken is not said"
grep -q 'boot.d/50-[0-9]*-half ended with status 1$' err || fail "half is not said"
err_has "boot.postBootCommands ended with status 4"
# The disk was left clean: ext4 has nothing to replay (s_feature_incompat, EXT4_FEATURE_INCOMPAT_RECOVER).
qemu-img convert -O raw runner.qcow2 disk.raw || fail "no disk"
[ $(($(od -An -tu1 -j1120 -N1 disk.raw) & 4)) = 0 ] || fail "the disk's journal is to be replayed"

