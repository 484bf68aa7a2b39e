# SPDX-License-Identifier: MIT
# result/bin/run-<hostName>-vm: everything that it listens to, and that it starts the machine without viv.
. "$(dirname "$0")/lib.sh"

terminal=$tests/e2e/terminal.py
quick_machine
expect 0 "$VIV" build -q --set networking.hostName=web-1 --set virtualisation.diskSize=256
script=$work/result/bin/run-web-1-vm
[ "$(readlink -f result/system)" = "$(readlink -f "$(dirname "$(readlink -f result/system/system.json)")")" ] ||
	fail "result/system is not the system"
for name in kernel initrd system/kernel; do [ -s "result/$name" ] || fail "no result/$name"; done
for shell in sh dash bash busybox; do
	! command -v $shell >/dev/null || expect 0 $shell $([ $shell != busybox ] || echo sh) -n "$script"
done
! command -v shellcheck >/dev/null || expect 0 shellcheck "$script"

# What QEMU is told: one argument a line.
mkdir bin elsewhere
cat >bin/qemu-system-x86_64 <<'QEMU'
#!/bin/sh
[ "$*" != --version ] || { echo "QEMU emulator version 7.2.1 (Debian 1:7.2)"; exit; }
printf '%s\n' "$@"
QEMU
chmod +x bin/qemu-system-x86_64
cp "$script" "elsewhere/the copy"
cd elsewhere || fail "cd"
args() { # [VARIABLE=VALUE…] [-- ARGUMENT…]
	local set=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do set+=("$1"); shift; done
	[ $# = 0 ] || shift
	env -u VIV_STORE -u VIV_DISK_IMAGE PATH="$work/bin:$PATH" VIV_ACCEL=tcg "${set[@]}" "./the copy" "$@"
}
has() { grep -qxF -- "$1" "$work/out" || fail "no argument \"$1\""; }

expect 0 args
has guest=web-1
has qemu64,-cx16
grep -q 'quiet.*viv.upper=disk' "$work/out" || fail "not the kernel's parameters"
grep -qF ",accel=tcg" "$work/out" || fail "no accelerator"
grep -qF "filename=$PWD/web-1.qcow2" "$work/out" || fail "the disk is not kept here"
[ "$(ls)" = "$(printf 'the copy\nweb-1.qcow2')" ] || fail "more than the disk was left: $(ls)"
[ "$(qemu-img info --output=json web-1.qcow2 | python3 -c 'import json, sys; print(json.load(sys.stdin)["virtual-size"])')" = $((256 << 20)) ] ||
	fail "the disk is not of diskSize"
expect 0 args QEMU_OPTS="-device  edu" QEMU_NET_OPTS=hostfwd=tcp::2222-:22 QEMU_KERNEL_PARAMS="a=* b" -- -m "2 G" '*'
[ "$(tail -n 5 "$work/out")" = "$(printf '%s\n' -device edu -m '2 G' '*')" ] || fail "not QEMU_OPTS, then the arguments"
grep -qF "user,id=net0,hostfwd=tcp::2222-:22" "$work/out" || fail "no QEMU_NET_OPTS"
grep -q ' a=\* b$' "$work/out" || fail "no QEMU_KERNEL_PARAMS"
echo kernel >bzImage
for variable in VIV_KERNEL NIXPKGS_QEMU_KERNEL_web_1; do
	expect 0 args $variable=./bzImage
	has ./bzImage
done
expect 125 args VIV_KERNEL=nowhere
err_has "cannot read the kernel nowhere"
expect 0 args VIV_DISK_IMAGE="a, b.img"
grep -qF "filename=$PWD/a,, b.img" "$work/out" || fail "no VIV_DISK_IMAGE"
[ "$(stat -c %s "a, b.img")" = $((256 << 20)) ] || fail "not a raw disk"
expect 0 args NIX_DISK_IMAGE=../nix.qcow2
[ -s ../nix.qcow2 ] || fail "no NIX_DISK_IMAGE"
cp web-1.qcow2 raw.img
expect 125 args VIV_DISK_IMAGE=raw.img
err_has "begins like a qcow2 image"
echo >text.qcow2
expect 125 args VIV_DISK_IMAGE=text.qcow2
err_has "is not a qcow2 image"
expect 125 args VIV_DISK_IMAGE=/nowhere/disk.img
err_has "cannot make the disk /nowhere/disk.img"
expect 125 args VIV_STORE="$work"
err_has "VIV_STORE names another store"
expect 125 args VIV_ACCEL=fast
err_has 'no accelerator "fast"'
expect 0 args VIV_ACCEL=auto
grep -qE '^(host|qemu64,-cx16)$' "$work/out" || fail "no processor"

# The machine itself, on its kept disk: a root shell on the console, whose end powers off.
unset VIV_STORE
boot() { expect 0 "$terminal" 300 '# ' "$1"'\r' "$2" '' '# ' 'exit\r' -- "./the copy"; }
boot 'echo kept >/root/file; tty; id -u' '/dev/ttyS0'
boot 'cat /root/file; df /' kept
# A signal to it is one to QEMU.
expect 0 "$terminal" 300 '# ' '!SIGTERM' -- "./the copy"
