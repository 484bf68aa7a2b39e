# SPDX-License-Identifier: MIT
# The README's example: a systemd machine, up to a command's output.
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
expect 0 "$VIV" run vm.lua -- sh -c 'uname -s; . /etc/os-release; echo $VERSION_CODENAME; hostname; htop --version | head -n 1; systemctl is-active multi-user.target; systemctl --failed --no-legend
	echo packages; dpkg --audit; dpkg -l htop | tail -n 1; dpkg -V'
grep -q '^Linux$' out || fail "no uname"
out_has trixie
out_has hello
out_has "htop 3"
# No unit has failed, and the package database is whole.
[[ $(cat out) == *$'\nactive\npackages\nii  htop'* ]] || fail "failed units, or packages: $(tail -n +6 out)"
