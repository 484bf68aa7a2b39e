# SPDX-License-Identifier: MIT
# A machine's own disk: thrown away, or kept under the name that the user gives. root-disk.test.lua has it
# in machines.
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
