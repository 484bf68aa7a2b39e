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

# Names with everything that a name may have: nothing is split, expanded or cut.
evil=$PWD/$(printf 'it'"'"'s a "$HOME" `id`, | ;\nname')
mkdir "$evil" "$evil/tmp"
cat >"$work/bin/qemu-system-x86_64" <<'QEMU'
#!/bin/sh
[ "$*" != --version ] || { echo "QEMU emulator version 7.2.1 (Debian 1:7.2)"; exit; }
printf '%s\0' "$@"
QEMU
# An argument that is this text, one that has it within, one that ends with it.
argument() { # whole|part|end TEXT
	python3 - "$work/out" "$1" "$2" <<'PY' || fail "no argument: $1 \"$2\""
import os, sys
text = os.fsencode(sys.argv[3])
test = {"whole": text.__eq__, "part": lambda a: text in a, "end": lambda a: a.endswith(text)}[sys.argv[2]]
sys.exit(not any(test(a) for a in open(sys.argv[1], "rb").read().split(b"\0")))
PY
}
quoted=$(printf '%s' "$evil" | sed 's/,/,,/g')
sed "s/^plan9=.*/plan9=yes/; s/^tpm=.*/tpm=/; s/^shares=.*/shares='src|.|\/mnt|ro'/" "./the copy" >"$evil/the copy"
chmod +x "$evil/the copy"
cd "$evil" || fail "cd"
expect 0 args VIV_DISK_IMAGE="-a.qcow2" VIV_KERNEL="$work/elsewhere/bzImage" SHARED_DIR="$evil" TMPDIR=tmp \
	USE_TMPDIR=1 QEMU_KERNEL_PARAMS="a=\"\$HOME\" b='c'" -- "a 'b' \"c\" \$HOME" "two
lines"
argument end ",locking=auto,filename=$quoted/-a.qcow2"
argument end "readonly=off,path=$quoted"
argument end "readonly=off,path=$quoted/tmp/xchg"
argument end "readonly=on,path=$quoted/."
argument whole "a 'b' \"c\" \$HOME"
argument whole "two
lines"
argument end " a=\"\$HOME\" b='c'"
[ "$(stat -c %a -- -a.qcow2)" = 600 ] || fail "others can read the disk"
expect 125 args SHARED_DIR="a|b" TMPDIR=tmp
err_has "shared: there is no folder $evil/a|b"
expect 0 args TMPDIR="$evil/tmp" VIV_DISK_IMAGE="-a.qcow2"
argument part "path=$quoted/tmp/viv-vm."
cd "$work/elsewhere" || fail "cd"

# The disk that is kept is one to start from.
expect 0 "$VIV" build -q -o "$work/foreign" --set virtualisation.directBoot.enable=false
grep -q 'serial=viv-disk,bootindex=2' "$work/foreign/bin/run-vm-vm" || fail "it would not start from its disk"

# What only a machine's own options can bring.
cat >"$work/hostile.lua" <<'LUA'
system.init = "none"
networking.hostName = "web-1"
boot.kernelParams = { "a='x\"$HOME`id`" }
virtualisation.diskImage = "./it's $HOME, a.qcow2"
virtualisation.qemu.options = { "-device", "\1q", "-machine", "accel=kvm", "it's\n$HOME `id` \"x\"" }
LUA
cp "$shared/quick.lock" "$work/vm.lock"
expect 0 "$VIV" build -q -o "$work/hostile" "$work/hostile.lua"
! command -v shellcheck >/dev/null || expect 0 shellcheck "$work/hostile/bin/run-web-1-vm"
cp -f "$work/hostile/bin/run-web-1-vm" "./the copy"
expect 0 args
argument whole "$(printf '\001q')"
argument whole "accel=kvm"
argument whole "it's
\$HOME \`id\` \"x\""
argument end "filename=$work/it's \$HOME,, a.qcow2"
argument part " a='x\"\$HOME\`id\`"
cp -f "$script" "./the copy"

# The machine itself, on its kept disk: a root shell on the console, whose end powers off.
unset VIV_STORE
boot() { expect 0 "$terminal" 300 '# ' "$1"'\r' "$2" '' '# ' 'exit\r' -- "./the copy"; }
boot 'echo kept >/root/file; tty; id -u' '/dev/ttyS0'
boot 'cat /root/file; df /' kept
# A signal to it is one to QEMU.
expect 0 "$terminal" 300 '# ' '!SIGTERM' -- "./the copy"
