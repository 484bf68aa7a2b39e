# SPDX-License-Identifier: MIT
# slow
# An ISO installs onto a disk that is made for it, and the disk then starts by itself: with a BIOS and with
# UEFI. The ISO is our own: a kernel, and an initrd that writes a disk image. What the image starts is GRUB,
# which says so and powers off.
. "$(dirname "$0")/lib.sh"

for p in grub-mkrescue grub-mkimage xorriso sfdisk mkfs.fat mcopy insmod ldd; do
	PATH=$PATH:/sbin:/usr/sbin command -v $p >/dev/null || skip "$p is missing"
done
[ -d /usr/lib/grub/i386-pc ] || skip "grub-pc-bin is missing"
uefi=
[ ! -d /usr/lib/grub/x86_64-efi ] || [ ! -e /usr/share/OVMF/OVMF_VARS_4M.fd ] || uefi=1
PATH=$PATH:/sbin:/usr/sbin
quick_machine
expect 0 "$VIV" build -q

# What is installed: one disk for both firmwares, GRUB in the gap after the MBR and in an EFI partition.
modules="echo halt minicmd"
# The end of what it says may be lost when the machine is off.
printf 'echo "the installed system"\necho "switches off"\nhalt\n' >grub.cfg
truncate -s 8M image
echo 'start=2048, type=ef' | sfdisk -q --label dos image || fail "sfdisk"
grub-mkimage -O i386-pc -o core.img -p / -c grub.cfg biosdisk $modules || fail "grub-mkimage"
dd if=/usr/lib/grub/i386-pc/boot.img of=image bs=440 count=1 conv=notrunc status=none
dd if=core.img of=image bs=512 seek=1 conv=notrunc status=none
if [ -n "$uefi" ]; then
	grub-mkimage -O x86_64-efi -o BOOTX64.EFI -p / -c grub.cfg $modules || fail "grub-mkimage"
	mkfs.fat --offset=2048 image 7168 >/dev/null || fail "mkfs.fat"
	MTOOLS_SKIP_CHECK=1 mmd -i image@@1M ::/EFI ::/EFI/BOOT || fail "mmd"
	MTOOLS_SKIP_CHECK=1 mcopy -i image@@1M BOOTX64.EFI ::/EFI/BOOT || fail "mcopy"
fi

# The installer: the machine's own initrd, for its modules, and over it an init of this host's programs.
mkdir -p root/bin iso/boot/grub
cat >root/init <<'INIT'
#!/bin/sh
PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for m in /viv/modules/*.ko; do insmod "$m" 2>/dev/null; done
dd if=/image of=/dev/vda bs=1M conv=fsync && echo "it is installed"
read -r words </proc/cmdline
case $words in *reboot*) echo b ;; *) echo o ;; esac >/proc/sysrq-trigger
read -r nothing
INIT
chmod +x root/init
mv image root
for p in sh mount insmod dd; do
	cp -L "$(command -v $p)" root/bin/$p
	for lib in $(ldd "$(command -v $p)" | grep -o '/[^ ]*'); do
		mkdir -p "root$(dirname "$lib")"
		cp -L "$lib" "root$lib"
	done
done
python3 - root <<'PY' >more.cpio || fail "no initrd"
import os, sys
out = sys.stdout.buffer
def put(name, mode, data):
    head = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    entry = b"070701" + b"".join(b"%08x" % n for n in head) + name.encode() + b"\0"
    out.write(entry + b"\0" * (-len(entry) % 4) + data + b"\0" * (-len(data) % 4))
for folder, folders, files in os.walk(sys.argv[1]):
    for name in folders:
        put(os.path.relpath(os.path.join(folder, name), sys.argv[1]), 0o40755, b"")
    for name in files:
        path = os.path.join(folder, name)
        put(os.path.relpath(path, sys.argv[1]), 0o100755, open(path, "rb").read())
put("TRAILER!!!", 0, b"")
PY
cat result/initrd more.cpio >iso/boot/initrd
cp result/bzImage iso/boot/kernel
iso() { # FILE WORDS
	printf 'menuentry install {\nlinux /boot/kernel console=ttyS0 quiet %s\ninitrd /boot/initrd\n}\n' "$2" \
		>iso/boot/grub/grub.cfg
	echo 'set timeout=0' >>iso/boot/grub/grub.cfg
	expect 0 grub-mkrescue -o "$1" iso
}

# Installed, switched off; then the disk comes first, without the ISO.
# Firmwares move the cursor as they please.
boot() {
	expect 0 timeout 300 "$VIV" run -q "$@" </dev/null
	sed -i 's/\x1b\[[0-9;?]*[a-zA-Z]//g' "$work/out"
}
iso off.iso ""
export VIV_STORE=$work/none
boot --keep --cdrom off.iso --boot-order d,c
out_has "it is installed"
! grep -q "the installed system" out || fail "the disk was started, too"
boot --keep --boot-order c
out_has "the installed system"
[ "$(head -c 3 vm.qcow2)" = QFI ] || fail "not a qcow2 image"

# In one go: an empty disk is passed over, the installer reboots, and the disk is there.
[ -n "$uefi" ] || skip "with UEFI: grub-efi-amd64-bin or ovmf is missing"
iso reboot.iso reboot
export VIV_DISK_IMAGE=uefi.qcow2
boot --set virtualisation.useEFIBoot=true --cdrom reboot.iso
out_has "it is installed"
out_has "the installed system"
[ -s uefi.qcow2.efi-variables ] || fail "UEFI's variables are not kept"
