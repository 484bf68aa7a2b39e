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
expect 0 efi -- sh -c 'grep BOOT_IMAGE /proc/cmdline; [ -d /sys/firmware/efi ]'
# systemd-boot, with an entry of the Boot Loader Specification
expect 125 "$VIV" eval --set boot.loader.systemd-boot.enable=true
err_has 'boot.loader["systemd-boot"].enable: is started by UEFI'
expect 125 "$VIV" eval --set boot.loader.grub.enable=false
err_has "boot.loader.grub.enable: leaves no boot loader"
expect 0 efi --set boot.loader.systemd-boot.enable=true --add boot.kernelParams=two=2 -- sh -c \
	'cat /proc/cmdline /sys/firmware/efi/efivars/LoaderInfo-*'
tr -d '\0' <"$work/out" | grep -qa '^initrd=.*boot.initrd .* two=2$' || fail "its own parameters are missing"
tr -d '\0' <"$work/out" | grep -qa 'systemd-boot' || fail "systemd-boot did not start it"
expect 0 efi --dry-run
out_has "cp /usr/share/OVMF/"
out_has "locking=auto,filename=$XDG_RUNTIME_DIR/viv/vm.efi-variables"
unsigned=$(grep -o "filename=[^ ]*-boot-disk" "$work/out" | cut -d= -f2)
expect 0 sfdisk --quiet --verify "$unsigned"
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

# Secure Boot: shim, GRUB and the kernel are signed, and what is not does not start.
[ -e /usr/share/OVMF/OVMF_VARS_4M.ms.fd ] || [ -e /usr/share/OVMF/OVMF_VARS.ms.fd ] ||
	skip "this ovmf has no Secure Boot"
secure() { efi --set virtualisation.useSecureBoot=true "$@"; }
cd empty || fail "cd"
expect 0 "$tests/e2e/terminal.py" 300 'Access Denied' '\x01x' -- "$VIV" run -q --boot-order c \
	--set virtualisation.useEFIBoot=true --set virtualisation.useSecureBoot=true \
	--set "virtualisation.qemu.drives=[{\"name\":\"u\",\"file\":\"$unsigned\",\"readOnly\":true}]"
cd ..
head -c 4096 /dev/zero >kernel
expect 125 env VIV_KERNEL=./kernel "$VIV" run -q --set virtualisation.useEFIBoot=true \
	--set virtualisation.useSecureBoot=true -- true
err_has "virtualisation.useSecureBoot: the kernel ./kernel is not signed"

# Beside a disk that is kept are the variables, and what the TPM holds: an entry of the boot menu and an
# index of the TPM's memory are there at the next start.
export VIV_DISK_IMAGE=$work/kept.qcow2
variables=/sys/firmware/efi/efivars guid=8be4df61-93ca-11d2-aa0d-00e098032b8c
with=(-p e2fsprogs)
! command -v swtpm >/dev/null || with+=(-p tpm2-tools --set virtualisation.tpm.enable=true)
cat >first <<END
mokutil --sb-state
cat $variables/Boot0001-$guid >/tmp/b && cat /tmp/b >$variables/Boot0042-$guid
[ ! -e /dev/tpm0 ] || { tpm2_nvdefine -C o -s 7 0x1500016 && echo sealed | tpm2_nvwrite -C o -i - 0x1500016; }
END
cat >second <<END
cat $variables/Boot0042-$guid
[ ! -e /dev/tpm0 ] || [ "\$(tpm2_nvread -C o 0x1500016)" = sealed ]
END
expect 0 secure "${with[@]}" -- sh -e first
out_has "SecureBoot enabled"
expect 0 secure "${with[@]}" -- sh -e second
if command -v swtpm >/dev/null; then
	echo junk >kept.qcow2.tpm/tpm2-00.permall
	expect 125 secure "${with[@]}" -- true
	err_has "without that it begins anew"
fi
for name in kept*; do
	case $name in *.qcow2 | *.efi-secure-variables | *.tpm) ;; *) fail "left: $name" ;; esac
done
