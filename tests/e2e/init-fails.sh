# SPDX-License-Identifier: MIT
# What can go wrong before the system is up: the run ends soon, with the reason that viv-init gives.
. "$(dirname "$0")/lib.sh"

quick_machine
expect 0 "$VIV" run -q --dry-run
layers=$(grep -o 'viv\.layers=[0-9]*' out | cut -d= -f2)
head -c 4194304 /dev/zero | tr '\0' x >junk.img

# The machine powers off by itself: the limit is never reached. What is wrong with its own disk says
# nothing about the code under test.
gives_up() { # REASON
	local status=121 kind=gone said="the guest could not start: "
	[[ $1 != "the disk viv-disk"* ]] || status=125 kind=environment said=
	expect $status "$VIV" run -q --timeout 5m --status status.json -- true
	grep -q "\"kind\": \"$kind\"" status.json || fail "not $kind: $(cat status.json)"
	err_has "viv: $said$1"
}
# A disk that viv-init takes for one of the layers, or for the machine's own.
disk() { # SERIAL
	echo "-drive file=junk.img,if=none,id=junk,format=raw,read-only=on -device virtio-blk-pci,drive=junk,serial=$1"
}

# A layer that is not there.
export QEMU_KERNEL_PARAMS="viv.layers=$((layers + 1)) viv.timeout=2"
gives_up "the disk viv-layer-$layers did not appear within 2 s"
err_has 'serial "viv-layer-0"'
# A layer that is no file system.
QEMU_OPTS=$(disk "viv-layer-$layers") gives_up "cannot mount /dev/vd"
err_has "(erofs) on /viv/l/$layers: Invalid argument"

# The machine's own disk: missing, one that can't be mounted.
export QEMU_KERNEL_PARAMS='viv.upper=disk viv.timeout=2'
printf 'virtualisation.diskImage = null\nsystem.init = "none"\n' >vm.lua
gives_up "the disk viv-disk did not appear within 2 s"
unset QEMU_KERNEL_PARAMS
cp junk.img other.img
VIV_DISK_IMAGE=other.img gives_up "the disk viv-disk (/dev/vd"
err_has "holds something that is not ext4: it is left as it is"
cmp junk.img other.img || fail "the disk was written to"
printf '\123\357' | dd of=other.img bs=1 seek=1080 conv=notrunc status=none
VIV_DISK_IMAGE=other.img gives_up "cannot mount /dev/vd"
err_has "(ext4) on /viv/upper: "

# Parameters that make no sense: tests/unit/guest_params.c has what is said of each.
QEMU_KERNEL_PARAMS=viv.upper=paper gives_up "kernel parameter viv.upper: expected memory, disk or none"
# An init that is not there.
QEMU_KERNEL_PARAMS=viv.init=/no/init gives_up "cannot execute /no/init: No such file or directory"
QEMU_KERNEL_PARAMS=viv.init=systemd gives_up "the machine has no init system: add the package systemd-sysv"
