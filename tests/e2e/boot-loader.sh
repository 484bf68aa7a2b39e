# SPDX-License-Identifier: MIT
# A machine that starts as hardware does: BIOS or UEFI, GRUB, kernel; an ISO; the disk that it left.
. "$(dirname "$0")/lib.sh"

for p in sfdisk mkfs.fat mcopy; do
	PATH=$PATH:/sbin:/usr/sbin command -v $p >/dev/null || skip "$p is missing"
done
printf 'system.init = "none"\nvirtualisation.useBootLoader = true\n' >vm.lua
efi() { "$VIV" run -q --set virtualisation.useEFIBoot=true "$@"; }

# The boot loader handed the parameters over, and both firmwares found it.
expect 0 "$VIV" run -q --add boot.kernelParams=one=1 -- sh -c 'cat /proc/cmdline; [ ! -d /sys/firmware/efi ]'
grep -q "^BOOT_IMAGE=.* one=1$" "$work/out" || fail "GRUB did not start the kernel with its parameters"
# QEMU is handed no kernel; the disk is whole.
expect 0 env QEMU_KERNEL_PARAMS=viv.timeout=3 "$VIV" run -q --dry-run
! grep -q -- '-kernel' "$work/out" || fail "QEMU is handed a kernel"
grep -q 'serial=viv-boot.*bootindex=1' "$work/out" || fail "no boot disk"
disk=$(grep -o "filename=[^ ]*-boot-disk" "$work/out" | cut -d= -f2)
expect 0 sfdisk --quiet --verify "$disk"

# A disk with a boot loader on it starts without any of this: what it starts here misses its layers.
cp "$disk" own.img
chmod u+w own.img
mkdir empty
cd empty || fail "cd"
expect 121 env VIV_DISK_IMAGE=../own.img timeout 300 "$VIV" run -q --boot-order c </dev/null
err_has "the disk viv-layer-0 did not appear within 3 s"
qemu-img convert -O qcow2 ../own.img own.qcow2
expect 121 timeout 300 "$VIV" run -q --disk own.qcow2 --boot-order c </dev/null
err_has "the disk viv-layer-0 did not appear within 3 s"
cd ..

[ -e /usr/share/OVMF/OVMF_VARS_4M.fd ] || [ -e /usr/share/OVMF/OVMF_VARS.fd ] || skip "ovmf is missing"
export VIV_DISK_IMAGE=$work/kept.qcow2
expect 0 efi -p e2fsprogs -- sh -c 'grep BOOT_IMAGE /proc/cmdline; [ -d /sys/firmware/efi ]'
[ -s kept.qcow2.efi-variables ] || fail "UEFI's variables are not kept beside the disk"
cp kept.qcow2.efi-variables before
# What was kept is used, and not made anew.
head -c 100 /dev/zero >>kept.qcow2.efi-variables
expect 0 efi --dry-run
unset VIV_DISK_IMAGE
expect 125 efi --set virtualisation.useBIOSBoot=true -- true
err_has "a machine has one firmware"
expect 125 efi --set virtualisation.efi.firmware=./nowhere.fd -- true
err_has "virtualisation.efi.firmware"
expect 125 "$VIV" run -q --boot-order x
err_has 'an order of c (the disk) and d (the CD-ROM)'
