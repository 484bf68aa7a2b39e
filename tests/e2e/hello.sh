# SPDX-License-Identifier: MIT
# The README's example: a systemd machine, up to a command's output; then what `viv wait` says of it.
. "$(dirname "$0")/lib.sh"

root=$tests/..
cp "$root/examples/hello/vm.lua" .
# What is built can be booted by others, too: a kernel for PVH, and an initrd that is small.
expect 0 "$VIV" build vm.lua
for name in kernel bzImage initrd layer-0-base layer-1-packages layer-2-modules layer-3-etc; do
	[ -s "result/$name" ] || fail "no result/$name"
done
[ "$(head -c 4 result/kernel | tail -c 3)" = ELF ] || fail "the kernel is not unpacked"
size=$(stat -L -c %s result/initrd)
[ "$size" -gt 100000 ] && [ "$size" -lt 4000000 ] || fail "the initrd has $size bytes"
# A unit is waited for while the boot goes on, whose end is held up here.
cat >held-up.lua <<'EOF'
imports = { "./vm.lua" }
virtualisation.sharedDirectories.held = { source = "./held", target = "/srv/held" }
systemd.services["held-up"] = {
	wantedBy = { "multi-user.target" },
	serviceConfig = { Type = "oneshot", ExecStart = "/bin/sh -c 'until [ -e /srv/held/no-more ]; do sleep 0.1; done'" },
}
EOF
mkdir held; line=
mkfifo said
"$VIV" run -d held-up.lua 2>said & run=$!
exec 3<said
until [ "$line" = "viv: booting hello" ]; do read -r line <&3 || fail "it doesn't boot"; done
until "$VIV" ps | grep -q "hello.*booting"; do kill -0 $run || fail "viv run -d: $(cat <&3)"; done
expect 0 "$VIV" wait hello --unit systemd-journald -t 10m
expect 0 "$VIV" ps
grep -q "hello.*booting" out || fail "not while it boots"
touch held/no-more
wait $run || fail "viv run -d: $? $(cat <&3)"
exec 3<&-
expect 0 "$VIV" exec hello -- sh -c 'uname -s; . /etc/os-release; echo $VERSION_CODENAME; hostname; htop --version | head -n 1; systemctl is-active multi-user.target; systemctl --failed --no-legend
	echo packages; dpkg --audit; dpkg -l htop | tail -n 1; dpkg -V'
grep -q '^Linux$' out || fail "no uname"
out_has trixie
out_has hello
out_has "htop 3"
# No unit has failed, and the package database is whole.
[[ $(cat out) == *$'\nactive\npackages\nii  htop'* ]] || fail "failed units, or packages: $(tail -n +6 out)"

expect 0 "$VIV" exec hello -- systemctl mask -q off.service
# What is waited for, told by events: what is so, what comes, what can't come.
expect 0 "$VIV" wait hello --unit dbus --unit multi-user.target --file '/run/viv'
while read -r unit state; do
	expect 1 "$VIV" wait hello --unit "$unit"
	err_is "viv: --unit $unit: $state"
done <<'EOF'
rescue.target inactive
nothing.service not-found
off.service masked
EOF
expect 0 "$VIV" exec hello -- sh -c 'mkfifo /run/begin /run/fail
	systemd-run -q --no-block -u later -p "ExecStartPre=sh -c \"read line </run/begin\"" sleep inf
	systemd-run -q --no-block -u broken -p "ExecStartPre=sh -c \"read line </run/fail; exit 1\"" sleep inf'
"$VIV" wait hello --unit later --file '/run/a b/c' --port 7778 -t 10m >later.log 2>&1 & later=$!
"$VIV" wait hello --unit broken -t 10m >broken.log 2>&1 & broken=$!
expect 0 "$VIV" exec hello -- sh -c 'echo >/run/begin; echo >/run/fail; mkdir -p "/run/a b/c"
	systemd-run -q --socket-property=ListenStream=127.0.0.1:7778 -u listens true'
wait $later || fail "$(cat later.log)"
wait $broken
[ $? = 1 ] && [ "$(cat broken.log)" = "viv: --unit broken: failed" ] || fail "$(cat broken.log)"
expect 0 "$VIV" wait hello --port 7778
expect 124 "$VIV" wait hello --port 7779 -t 1s
expect 2 "$VIV" wait hello --port 0
err_is 'viv: --port 0: 0: not a port'
expect 2 "$VIV" wait hello --port ::1
err_is 'viv: --port ::1: an address with colons is written in brackets, and then the port: [::1]:80'
expect 0 "$VIV" stop hello
