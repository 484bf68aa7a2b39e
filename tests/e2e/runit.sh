# SPDX-License-Identifier: MIT
# What can't be had on runit is said, with its place; the order of what runs once. runit.test.lua has a machine on it.
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

# A disk that can't be made read-only is tried a second time, then it is said.
expect 0 "$VIV" eval --etc order.lua /etc/runit/3
sed -n '/^for where/,/^done/{s,/run/viv/agent,true,;p}' out >settle
sh -c 'mount() { echo "$4" >>tried; [ "$4" = /a ] || { [ "$4" = /b ] && [ "$(grep -c /b tried)" = 2 ]; }; }
	set -- /a /b; again= root=/ upper=
	. ./settle' >out 2>&1
[ "$(tr '\n' ' ' <tried)" = '/a /b /b / / ' ] || fail "tried: $(cat tried)"
[ "$(cat out)" = '
viv-init: warning: / is still in use: its disk may not be clean' ] || fail "settle: $(cat out)"

# The machine's own sshd looks at its settings.
printf 'system.init = "runit"\nservices.openssh = { enable = true, settings = { Bogus = true } }\n' >bad.lua
expect 125 "$VIV" build -q --no-link bad.lua
err_has "bad.lua:2: services.openssh.settings: "
err_has "Bad configuration option: Bogus"
