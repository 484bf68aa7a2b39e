# SPDX-License-Identifier: MIT
# slow
# Declared disks, with systemd: tables, file systems, swap, volumes and an array are made at the first start and
# found at the second, where a part of the array is another, empty disk.
. "$(dirname "$0")/lib.sh"

cat >vm.lua <<'EOT'
disks.gpt = {
	size = "1G",
	image = "./gpt.img",
	partitions = {
		{ name = "efi", size = 40, type = "esp", fsType = "vfat", label = "EFI", mountPoint = "/efi" },
		{ name = "xfs", size = 300, fsType = "xfs", label = "an-xfs", mountPoint = "/xfs", neededForBoot = true },
		{ size = 120, fsType = "btrfs", mountPoint = "/btrfs" },
		{ size = 20, fsType = "swap" },
		{ volumeGroup = "pool" },
	},
}
disks.mbr = {
	size = 200,
	image = "./mbr.qcow2",
	table = "mbr",
	partitions = { { size = 50, raid = "mirror" }, { fsType = "ext4", mountPoint = "/mbr" } },
}
disks.other = { size = 50, image = "./other.img", raid = "mirror", interface = "scsi" }
raid.mirror = { fsType = "ext4", label = "mirror", mountPoint = "/mirror" }
lvm.pool.volumes = {
	a = { fsType = "ext4", mountPoint = "/rest", neededForBoot = true },
	b = { size = 50, fsType = "ext4", mountPoint = "/rest/b" },
}
EOT
cat >guest.sh <<'EOT'
for m in /efi /xfs /btrfs /mbr /mirror /rest /rest/b; do
	echo $m $(findmnt -n -o FSTYPE $m) $(cat $m/here 2>/dev/null)
	echo found >$m/here
done
swapon --noheadings --show=SIZE
blkid -p -o value -s PTTYPE /dev/disk/by-id/virtio-gpt /dev/disk/by-id/virtio-mbr
ls /dev/disk/by-partlabel /dev/disk/by-label | grep -E '^(efi|xfs|an-xfs|EFI|mirror)$'
lvs --noheadings --nosuffix --units m -o lv_name,lv_size | tr -d ' '
cat /sys/block/md*/md/raid_disks
systemctl --failed --no-legend
systemctl is-system-running
dmesg | grep -o 'viv-init: warning: .*'; true
EOT
are() { # WHAT EACH HOLDS
	out_is "/efi vfat$1
/xfs xfs$1
/btrfs btrfs$1
/mbr ext4$1
/mirror ext4$1
/rest ext4$1
/rest/b ext4$1
20M
gpt
dos
EFI
an-xfs
mirror
efi
xfs
a488.00
b52.00
2
running$2"
}
expect 0 "$VIV" run -q -- sh -c "$(cat guest.sh)"
are "" ""
if command -v sfdisk >/dev/null; then
	expect 0 sfdisk -q --verify gpt.img
fi
rm other.img
expect 0 "$VIV" run -q -- sh -c "$(cat guest.sh)"
are " found" "
viv-init: warning: the disk /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_other is empty: raid.mirror is copied onto it"
err_has "the guest: the disk /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_other is empty: raid.mirror is copied onto it"
# The run script makes what is not there yet, too.
rm other.img
expect 0 "$VIV" build -q
mkdir bin
printf '#!/bin/sh\n[ "$*" != --version ] || echo "QEMU emulator version 7.2.1"\n' >bin/qemu-system-x86_64
chmod +x bin/qemu-system-x86_64
expect 0 env PATH="$work/bin:$PATH" VIV_ACCEL=tcg result/bin/run-vm-vm
[ "$(stat -c %s other.img)" = $((50 << 20)) ] || fail "the run script made no other.img"
# A disk that nobody gives the machine.
expect 125 "$VIV" run -q --set disks.gone.fsType=ext4 -- true
err_has "command line: disks.gone: the machine has no disk /dev/disk/by-id/virtio-gone"
