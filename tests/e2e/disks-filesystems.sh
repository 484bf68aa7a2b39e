# SPDX-License-Identifier: MIT
# slow
# What a machine mounts beside its root, and a root on another disk than its own, without an init system.
. "$(dirname "$0")/lib.sh"

quick_machine
cat >machine.lua <<'EOF'
imports = { "./vm.lua" }
virtualisation.qemu.drives = { { name = "data", file = "./data.img" } }
virtualisation.emptyDiskImages = { { size = 40, serial = "fat" } }
fileSystems["/"] = { device = "/dev/disk/by-label/on-real-hardware" }
fileSystems["/data"] = { device = "/dev/disk/by-id/virtio-data", fsType = "ext4", autoFormat = true, neededForBoot = true }
fileSystems["/data/a b"] = { device = "/dev/disk/by-id/virtio-fat", fsType = "vfat", autoFormat = true, options = { "uid=7" } }
fileSystems["/mem"] = { fsType = "tmpfs", options = { "size=1M", "mode=0700" } }
fileSystems["/bound"] = { device = "/data", options = { "bind" } }
fileSystems["/proc/x"] = { fsType = "tmpfs", options = { "nofail" } }
fileSystems["/none"] = { device = "LABEL=nobody-has-it", fsType = "iso9660", options = { "nofail" } }
EOF
truncate -s 64M data.img
cat >guest.sh <<'EOF'
set -e
for d in /data '/data/a b' /mem /bound; do stat -f -c %T "$d"; done
grep -qw iso9660 /proc/filesystems
stat -c %u '/data/a b'
[ "$(df --output=size /mem | tail -n 1)" -eq 1024 ]
cat /data/times 2>/dev/null || :
echo started >>/bound/times
e2label /dev/disk/by-id/virtio-data a-label
EOF
of_all="ext2/ext3
msdos
tmpfs
ext2/ext3
7"
# The guest makes what is empty; the second time it is there, and clean.
expect 0 "$VIV" run -q machine.lua -- sh -c "$(cat guest.sh)"
out_is "$of_all"
e2fsck -fn data.img >/dev/null 2>&1 || [ $? = 127 ] || fail "/data was not unmounted"
expect 0 "$VIV" run -q machine.lua -- sh -c "$(cat guest.sh)"
out_is "$of_all
started"
# Instead of all that: by its label, and nothing else.
expect 0 "$VIV" run -q machine.lua --set 'virtualisation.fileSystems={"/x": {"device": "/dev/disk/by-label/a-label", "fsType": "ext4", "options": ["ro"]}}' -- \
	sh -c 'wc -l </x/times; ls -d /mem /data; grep -c " /x ext4 ro" /proc/mounts'
[ "$(tr '\n' ' ' <out)" = "2 1 " ] || fail "not what virtualisation.fileSystems says"
# Where nothing can be written the folders are there already; one that can't be made is no matter with nofail.
expect 0 "$VIV" run -q --set virtualisation.writableStore=false --set 'virtualisation.fileSystems={
	"/mem/a b": {"fsType": "tmpfs"}, "/var/x": {"fsType": "tmpfs", "options": ["nofail"]}}' -- \
	sh -c 'stat -c %a /mem; stat -f -c %T "/mem/a b"; [ ! -e /var/x ]'
[ "$(tr '\n' ' ' <out)" = "755 tmpfs " ] || fail "not mounted on a read-only root"
# What holds something is never formatted.
printf mine | dd of=data.img conv=notrunc status=none bs=1k seek=1
expect 121 "$VIV" run -q machine.lua -- true
err_has "cannot mount /dev/disk/by-id/virtio-data on /data: "
[ "$(dd if=data.img bs=1k skip=1 count=1 status=none | head -c 4)" = mine ] || fail "the disk was written"

# A disk that the machine has not got
sed -i 's/virtio-fat/virtio-fad/' machine.lua
expect 125 "$VIV" run -q machine.lua -- true
err_has "machine.lua:6: fileSystems[\"/data/a b\"]: the machine has no disk /dev/disk/by-id/virtio-fad (did you mean /dev/disk/by-id/virtio-fat?)"

# The root on another disk: made there, and found again by what it holds.
truncate -s 200M root.img
root() { "$VIV" run -q --disk root.img --set virtualisation.rootDevice="/dev/disk/$1" "${@:2}"; }
expect 0 root by-id/virtio-drive0 -- sh -c 'touch /usr/here; ls /dev/disk/by-id; df --output=size / | tail -n 1'
[ "$(tail -n 1 out)" -lt 200000 ] && ! grep -q viv-disk out || fail "not on the disk of 200 MiB alone: $(cat out)"
expect 0 root by-label/viv-disk -- ls /usr/here
expect 125 root by-label/other -- true
err_has "the disk /dev/disk/by-label/other is not there"
expect 125 root by-id/virtio-drive1 -- true
err_has "command line: virtualisation.rootDevice: the machine has no disk /dev/disk/by-id/virtio-drive1"
