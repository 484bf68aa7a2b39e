# SPDX-License-Identifier: MIT
# slow
# The disk with a boot loader that a machine starts from as hardware does, and starts from by itself; what can't be had.
# boot-loader.test.lua has the machines.
. "$(dirname "$0")/lib.sh"

for p in sfdisk mkfs.fat mcopy; do
	PATH=$PATH:/sbin:/usr/sbin command -v $p >/dev/null || skip "$p is missing"
done
printf 'system.init = "none"\nvirtualisation.useBootLoader = true\n' >vm.lua
efi() { "$VIV" run -q --set virtualisation.useEFIBoot=true "$@"; }

# QEMU is handed no kernel; the disk is whole.
expect 0 env QEMU_KERNEL_PARAMS=viv.timeout=3 "$VIV" run -q --dry-run
! grep -q -- '-kernel' "$work/out" || fail "QEMU is handed a kernel"
grep -q 'serial=viv-boot.*bootindex=1' "$work/out" || fail "no boot disk"
disk=$(grep -o "filename=[^ ]*-boot-disk" "$work/out" | cut -d= -f2)
expect 0 sfdisk --quiet --verify "$disk"

expect 0 "$VIV" run --dry-run --add 'boot.kernelParams=a="b"'
err_has "GRUB puts a backslash before quotes"

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
expect 125 "$VIV" eval --set boot.loader.systemd-boot.enable=true
err_has 'boot.loader["systemd-boot"].enable: is started by UEFI'
expect 125 "$VIV" eval --set boot.loader.grub.enable=false
err_has "boot.loader.grub.enable: leaves no boot loader"
expect 0 efi --dry-run
out_has "cp /usr/share/OVMF/"
out_has "locking=auto,filename=$XDG_RUNTIME_DIR/viv/vm.efi-variables"
disk=$(grep -o "filename=[^ ]*-boot-disk" "$work/out" | cut -d= -f2)
expect 0 sfdisk --quiet --verify "$disk"
expect 125 efi --set virtualisation.useBIOSBoot=true -- true
err_has "a machine has one firmware"
expect 125 efi --set virtualisation.efi.firmware=./nowhere.fd -- true
err_has "virtualisation.efi.firmware"
expect 125 efi --set virtualisation.cdrom=./nowhere.iso -- true
err_has "virtualisation.cdrom: $work/nowhere.iso: No such file"
expect 125 efi --set virtualisation.cdrom=./empty -- true
err_has "is neither a file nor a drive"
: >other.qcow2.efi-variables
expect 125 env VIV_DISK_IMAGE=other.qcow2 "$VIV" run -q --set virtualisation.useEFIBoot=true -- true
err_has "command line: virtualisation.useEFIBoot: $work/other.qcow2.efi-variables holds variables of another"
expect 125 "$VIV" run -q --boot-order x
err_has 'an order of c (the disk) and d (the CD-ROM)'

# Under Secure Boot only what is signed starts: secure-boot.sh.
[ -e /usr/share/OVMF/OVMF_VARS_4M.ms.fd ] || [ -e /usr/share/OVMF/OVMF_VARS.ms.fd ] ||
	skip "this ovmf has no Secure Boot"
head -c 4096 /dev/zero >kernel
expect 125 env VIV_KERNEL=./kernel "$VIV" run -q --set virtualisation.useEFIBoot=true \
	--set virtualisation.useSecureBoot=true -- true
err_has "virtualisation.useSecureBoot: the kernel ./kernel is not signed"
