# SPDX-License-Identifier: MIT
# slow
# The run script of machines with firmware, a boot loader, blank disks.
. "$(dirname "$0")/lib.sh"

terminal=$tests/e2e/terminal.py
for p in sfdisk mkfs.fat mcopy; do
	PATH=$PATH:/sbin:/usr/sbin command -v $p >/dev/null || skip "$p is missing"
done
[ -e /usr/share/OVMF/OVMF_VARS_4M.fd ] || [ -e /usr/share/OVMF/OVMF_VARS.fd ] || skip "ovmf is missing"

cat >vm.lua <<'LUA'
system.init = "none"
virtualisation.useBootLoader = true
virtualisation.useEFIBoot = true
virtualisation.emptyDiskImages = { 1, 2, 3, 4, 5, 6, 7, 8, { size = "64M", serial = "blank" } }
LUA
expect 0 "$VIV" build -q
cd / && cd "$work" && mkdir away && cd away || fail "cd"
! command -v shellcheck >/dev/null || expect 0 shellcheck ../result/bin/run-vm-vm
# Each blank disk is one of its own, though the script has one file for all.
expect 0 "$terminal" 400 '# ' 'cat /proc/cmdline; ls /sys/firmware; cd /dev/disk/by-id\r' 'efi' '' \
	'# ' 'for d in virtio-empty? virtio-blank; do echo of ${d#*-} >$d; done; head -qn 1 virtio-empty? virtio-blank; blockdev --getsize64 virtio-blank\r' \
	'of empty0' '' 'of empty7' '' 'of blank' '' '67108864' '' '# ' 'exit\r' -- ../result/bin/run-vm-vm
grep -q 'BOOT_IMAGE=/boot/kernel.*viv.shell' "$work/out" || fail "not by GRUB"
[ "$(echo *)" = "vm.qcow2 vm.qcow2.efi-variables" ] || fail "left behind: $(echo *)"

# The host's folders, with a kernel that has 9p.
cd "$work" || fail "cd"
mkdir source given tmp
echo one >source/file
echo two >given/file
cat >vm.lua <<'LUA'
system.init = "none"
boot.kernel = "linux-image-amd64"
virtualisation.sharedDirectories.source = { source = "./source", target = "/mnt/source" }
LUA
expect 0 "$VIV" build -q
! command -v shellcheck >/dev/null || expect 0 shellcheck result/bin/run-vm-vm
expect 0 "$terminal" 400 '# ' 'cat /mnt/source/file /tmp/shared/file; touch /mnt/source/x; echo out >/tmp/xchg/out\r' \
	'one' '' 'two' '' 'Read-only' '' '# ' 'exit\r' -- \
	env TMPDIR="$work/tmp" USE_TMPDIR=1 SHARED_DIR=given result/bin/run-vm-vm
[ "$(cat tmp/xchg/out)" = out ] && [ ! -e source/x ] || fail "not what the guest wrote"
expect 125 env SHARED_DIR=nowhere result/bin/run-vm-vm
err_has "shared: there is no folder $work/nowhere"
