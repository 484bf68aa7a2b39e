# SPDX-License-Identifier: MIT
# A machine's own disk: thrown away, or kept under the name that the user gives.
. "$(dirname "$0")/lib.sh"

quick_machine
run() { "$VIV" run -q -p e2fsprogs "$@"; } # who formats a kept disk
with_image() { VIV_DISK_IMAGE=$1 "${@:2}"; }
write='echo kept >/root/file'
expect 0 run -- sh -c "$write"
expect 1 run -- cat /root/file

# VIV_DISK_IMAGE is a file of the folder where viv is called, not of the machine file's.
mkdir elsewhere
for image in disk.img disk.qcow2; do
	cd elsewhere || fail "cd"
	expect 0 with_image $image run ../vm.lua -- sh -c "$write"
	[ "$(ls)" = $image ] || fail "not $image alone: $(ls)"
	expect 0 with_image $image run ../vm.lua -- cat /root/file
	out_is kept
	rm $image
	cd ..
done
# Without it the machine file's own.
expect 0 run --set virtualisation.diskImage=./own.img --set virtualisation.diskSize=64 -- true
[ "$(stat -c %s own.img)" = $((64 << 20)) ] || fail "own.img: $(stat -c %s own.img)"

expect 125 with_image nowhere/disk.img run -- true
err_has "VIV_DISK_IMAGE: $work/nowhere/disk.img: No such file or directory"
expect 0 with_image other.img run --dry-run --set virtualisation.diskImage=./x.qcow2
[ ! -e x.qcow2 ] || fail "the option's disk was made, too"

# The disk stays as it is, or there is none: writes go to memory.
expect 0 run --set virtualisation.useDefaultFilesystems=false --set virtualisation.diskSize=17 -- sh -c \
	'touch /usr/here; sync; cd /dev/disk/by-id
	blockdev --getsize64 virtio-viv-disk; head -c 17825792 virtio-viv-disk | tr -d "\0" | wc -c'
out_is "17825792
0"
expect 0 run --set virtualisation.writableStoreUseTmpfs=true -- sh -c 'ls /dev/disk/by-id; touch /usr/here'
! grep -q viv-disk out || fail "there is a disk"

# By another interface
for interface in nvme scsi; do
	expect 0 run --set virtualisation.qemu.diskInterface=$interface -- sh -c 'df --output=size / | tail -n 1; touch /usr/here'
	[ "$(cat out)" -gt 900000 ] || fail "the root is not on the disk of 1 GiB: $(cat out)"
done
