# SPDX-License-Identifier: MIT
# slow
# Declared disks without an init system, and what can have become of them: a start that was killed, a part of an
# array that is away, a layout that is another. Besides: autoFormat of every type, a root by partition label and UUID.
. "$(dirname "$0")/lib.sh"

cat >vm.lua <<'EOT'
system.init = "none"
disks.gpt = {
	size = "800M",
	image = "./gpt.img",
	partitions = {
		{ name = "root", size = 200, fsType = "ext4", label = "a-root" },
		{ size = 300, fsType = "xfs", mountPoint = "/xfs" },
		{ size = 20, fsType = "swap" },
		{ volumeGroup = "pool" },
	},
}
disks.mbr = { size = 100, table = "mbr", partitions = { { size = 50, raid = "mirror" }, { fsType = "vfat" } } }
disks.other = { size = 50, interface = "scsi", raid = "mirror" }
raid.mirror = { fsType = "ext4", mountPoint = "/mirror" }
disks.s1 = { size = 60, raid = "stripe" }
disks.s2 = { size = 60, raid = "stripe" }
raid.stripe = { level = 0, volumeGroup = "pool" }
lvm.pool.volumes = { a = { size = 50, fsType = "ext4", mountPoint = "/a" }, b = { fsType = "ext4" } }
virtualisation.emptyDiskImages = { 310, 130, 70, 20, 20 }
fileSystems["/auto/xfs"] = { device = "/dev/disk/by-id/virtio-empty0", fsType = "xfs", autoFormat = true }
fileSystems["/auto/btrfs"] = { device = "/dev/disk/by-id/virtio-empty1", fsType = "btrfs", autoFormat = true }
fileSystems["/auto/ext2"] = { device = "/dev/disk/by-id/virtio-empty3", fsType = "ext2", autoFormat = true }
fileSystems["/auto/ext3"] = { device = "/dev/disk/by-id/virtio-empty4", fsType = "ext3", autoFormat = true }
EOT
cat >guest.sh <<'EOT'
grep -oE ' /(xfs|mirror|a|auto/[a-z0-9]*) [a-z0-9]+' /proc/mounts
wc -l </proc/swaps
umount -a -t ext2,ext3,ext4,xfs,btrfs 2>/dev/null
swapoff -a
s=/etc/viv/disks g=/dev/disk/by-id/virtio-gpt b=/dev/disk/by-id/virtio-mbr o=/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_other
off() {
	vgchange -q -an pool >/dev/null 2>&1
	mdadm --stop --scan >/dev/null 2>&1
	rm -rf /dev/pool
}
try() { # NAME [SED'S SCRIPT]
	off
	sed "${2:-}" /etc/viv/disks >/tmp/try
	out=$(sh /tmp/try 2>&1)
	echo "$1: $? $out"
}
mark() { # DEVICE SECTOR TEXT
	printf '%-511s\n' "viv-disks $3 11111111-2222-3333-4444-555555555555" |
		dd of="$1" bs=512 seek="$2" conv=notrunc,fsync 2>/dev/null
}
id() { blkid -p -o value -s UUID $g-part1; }
try again
was=$(id)
mark $g 40 making; mark $b 40 made; mark $o 7 making
try made
[ "$(id)" = "$was" ] || echo "was made anew"
mark $g 40 making
try used
off
head -c 131072 $g >/tmp/table
dd if=/dev/zero of=$g bs=64k count=2 conv=notrunc 2>/dev/null
dd if=/dev/zero of=$g bs=1M seek=799 count=1 conv=notrunc 2>/dev/null
blockdev --rereadpt $g
try lost
dd if=/tmp/table of=$g conv=notrunc,fsync 2>/dev/null
blockdev --rereadpt $g
[ "$(id)" = "$was" ] || echo "is not what it was"
DM_DISABLE_UDEV=1 dmsetup create bad --table "0 204800 error"
try unreadable s,/dev/disk/by-id/virtio-gpt,/dev/mapper/bad,g
DM_DISABLE_UDEV=1 dmsetup remove bad
dd if=/dev/zero of=$g bs=512 seek=40 count=1 conv=notrunc,fsync 2>/dev/null
for d in $b-part1 $o; do dd if=/dev/zero of=$d bs=64k count=2 conv=notrunc,fsync 2>/dev/null; done
try foreign
off
for d in $g $b $o /dev/disk/by-id/virtio-s1 /dev/disk/by-id/virtio-s2; do blkdiscard -f $d 2>/dev/null; done
for d in $g $b; do blockdev --rereadpt $d; done
try unfinished 's/^made .*/:/'
was=$(id)
try half
[ "$(id)" != "$was" ] || echo "was not made anew"
try again
off
wipefs -q -a $o; dd if=/dev/zero of=$o bs=1M count=1 conv=notrunc 2>/dev/null
try blank
mdadm --wait /dev/md/mirror 2>/dev/null
cat /sys/block/md*/md/degraded
try away s/scsi-0QEMU_QEMU_HARDDISK_other/nobody/
mdadm --detail /dev/md/mirror | grep -oE 'clean, degraded'
try stale
dmesg | grep -oE 'viv-init: warning: .*' | sed 's,/dev/disk/by-id/,,g' |
	grep -v 'degraded: what' # of what was away for a moment, and may do
try size 's/^2048 409600/2048 411648/'
try name 's/linux root$/linux other/'
try fewer '/^1067008 - lvm/d'
try type 's/^content xfs/content btrfs/'
try label 's/a-root/b-root/'
try volume 's/pool a 52/pool a 56/'
try group 's/^group pool/group other/'
try level 's/^raid mirror 1/raid mirror 0/'
try table 's/^table gpt/table dos/'
try gone 's/virtio-gpt/virtio-away/g'
off
EOT
expect 0 "$VIV" run -q -- sh -c "$(cat guest.sh)"
d=/dev/disk/by-id
out_is " /a ext4
 /auto/btrfs btrfs
 /auto/ext2 ext2
 /auto/ext3 ext3
 /auto/xfs xfs
 /mirror ext4
 /xfs xfs
2
again: 0 
made: 0 
used: 1 the disk /dev/pool/a is not made to its end, but may have been used: it is left as it is. wipefs -a frees it
lost: 1 the disk $d/virtio-gpt holds something unknown, and a table (gpt) is declared: it is left as it is
unreadable: 1 the disk /dev/mapper/bad can't be read: it is left as it is
foreign: 1 the disk /dev/md/mirror is new, but where it lies is ext4 already: it is left as it is
unfinished: 0 
half: 0 
again: 0 
blank: 0 
0
away: 0 
clean, degraded
stale: 0 
viv-init: warning: the disk virtio-gpt was not made to its end: it is made anew
viv-init: warning: the disk virtio-mbr was not made to its end: it is made anew
viv-init: warning: the disk scsi-0QEMU_QEMU_HARDDISK_other was not made to its end: it is made anew
viv-init: warning: the disk virtio-s1 was not made to its end: it is made anew
viv-init: warning: the disk virtio-s2 was not made to its end: it is made anew
viv-init: warning: the disk scsi-0QEMU_QEMU_HARDDISK_other is empty: raid.mirror is copied onto it
viv-init: warning: raid.mirror is degraded: nobody is not there: what is written now has one copy less
size: 1 the disk $d/virtio-gpt: partition 1 has 409600 sectors, and 411648 are declared
name: 1 the disk $d/virtio-gpt: partition 1 has another name than other, which is declared
fewer: 1 the disk $d/virtio-gpt has more partitions than the 3 that are declared
type: 1 the disk $d/virtio-gpt-part2 holds xfs, and btrfs is declared: it is left as it is
label: 1 the disk $d/virtio-gpt-part1 has the label \"a-root\", and b-root is declared
volume: 1 the disk /dev/pool/a has 52 MiB, and 56 are declared
group: 1 the disk $d/virtio-gpt-part4 belongs to the volume group pool, and other is declared
level: 1 the disk /dev/md/mirror is not of level 0, which is declared
table: 1 the disk $d/virtio-gpt holds gpt, and a table (dos) is declared: it is left as it is
gone: 1 the disk $d/virtio-away is not there"

cat >root.lua <<'EOT'
system.init = "none"
virtualisation.qemu.drives = { { name = "kept", file = "./gpt.img" } }
EOT
root() { "$VIV" run -q root.lua --set virtualisation.rootDevice="/dev/disk/$1" "${@:2}"; }
expect 0 root by-partlabel/root -- touch /usr/here
expect 0 root by-label/a-root -- ls /usr/here
uuid=$(blkid -p -o value -s UUID --offset 1048576 gpt.img) || fail "no UUID"
expect 0 root "by-uuid/$uuid" -- ls /usr/here
expect 125 root by-partlabel/nobody -- true
err_has "the disk /dev/disk/by-partlabel/nobody is not there"
