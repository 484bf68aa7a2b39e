# SPDX-License-Identifier: MIT
# slow
# Debian's installer from an ISO, up to its first question, on a disk that is made for it.
. "$(dirname "$0")/lib.sh"

terminal=$tests/e2e/terminal.py
command -v grub-mkrescue >/dev/null && command -v xorriso >/dev/null || skip "grub-mkrescue or xorriso is missing"
files=$(ls -d /usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64 2>/dev/null | tail -n 1)
[ -n "$files" ] || skip "no package debian-installer-…-netboot-amd64"
export VIV_STORE=$work/store

mkdir -p iso/boot/grub
cp "$files/linux" "$files/initrd.gz" iso/boot
cat >iso/boot/grub/grub.cfg <<'GRUB'
menuentry installer {
	linux /boot/linux console=ttyS0
	initrd /boot/initrd.gz
}
set timeout=0
GRUB
expect 0 grub-mkrescue -o installer.iso iso
expect 0 "$terminal" 900 'Select a language' '\x01x' -- env VIV_DISK_IMAGE=target.qcow2 \
	"$VIV" run -q --cdrom installer.iso --set virtualisation.diskSize=8G
[ "$(head -c 3 target.qcow2)" = QFI ] || fail "no disk was made"
