# SPDX-License-Identifier: MIT
# Images: what is wrong with one is said before the boot; one belongs to one machine; discard. disks.test.lua has
# disks in a machine.
. "$(dirname "$0")/lib.sh"

command -v qemu-img >/dev/null || skip "qemu-img is missing"
quick_machine
run() { "$VIV" run -q -p e2fsprogs "$@"; } # with what formats a disk
drive() { run --set "virtualisation.qemu.drives=[$1]" "${@:2}"; }
wrong() { # DRIVE TEXT
	expect 125 drive "$1" -- true
	err_has "command line: virtualisation.qemu.drives[1]: "
	err_has "$2"
	! grep -q booting err || fail "it was booted"
}

# What is wrong with an image
echo text >text.img
: >empty.img
mkdir folder
qemu-img create -q -f qcow2 good.qcow2 64M
qemu-img create -q -f vmdk other.vmdk 8M
qemu-img create -q -f raw base.img 8M
qemu-img create -q -f qcow2 -F raw -b base.img above.qcow2
python3 - <<'EOF'
import struct
# Its extension that names the format below is made one that nobody knows.
data = open("above.qcow2", "rb").read()
open("guess.qcow2", "wb").write(data.replace(struct.pack(">I", 0xe2792aca), b"\1\2\3\4", 1))
EOF
wrong '{"file": "./nowhere.img"}' "$work/nowhere.img: No such file or directory"
wrong '{"file": "./folder"}' "neither a file nor a disk"
wrong '{"file": "./empty.img"}' "is empty"
wrong '{"file": "./text.img", "format": "qcow2"}' "is not a qcow2 image"
wrong '{"file": "./good.qcow2", "format": "raw"}' "begins like a qcow2 image"
wrong '{"file": "./other.vmdk"}' "is a vmdk image"
wrong '{"file": "./guess.qcow2"}' "does not say which format the image below it has"
expect 125 run --disk ./nowhere.img -- true
err_has "viv: --disk: virtualisation.qemu.drives[1]: $work/nowhere.img: No such file or directory"
expect 125 run --disk good.qcow2 --disk ./folder/../good.qcow2 -- true
err_has "viv: --disk: virtualisation.qemu.drives[2]: $work/folder/../good.qcow2 is this machine's disk drive0 already"
! grep -q -e booting -e building err || fail "it was built"
expect 125 run --disk 70000000 -- true
err_has "viv: --disk: virtualisation.emptyDiskImages"

# A mount and a root on a disk that the machine has not got
cat >machine.lua <<'EOF'
imports = { "./vm.lua" }
virtualisation.emptyDiskImages = { { size = 40, serial = "fat" } }
fileSystems["/data"] = { device = "/dev/disk/by-id/virtio-fad", fsType = "vfat", autoFormat = true }
EOF
expect 125 run machine.lua -- true
err_has 'machine.lua:3: fileSystems["/data"]: the machine has no disk /dev/disk/by-id/virtio-fad (did you mean /dev/disk/by-id/virtio-fat?)'
expect 125 run --disk good.qcow2 --set virtualisation.rootDevice=/dev/disk/by-id/virtio-drive1 -- true
err_has "command line: virtualisation.rootDevice: the machine has no disk /dev/disk/by-id/virtio-drive1"

# One image, one machine: the second is told which has it. Readers may be many.
truncate -s 64M data.img
truncate -s 8M ro.img
expect 0 run --detach --name holder --disk good.qcow2 --keep --disk 13 --set 'virtualisation.qemu.drives=[
	{"name": "data", "file": "./data.img", "interface": "scsi"}, {"name": "ro", "file": "./ro.img", "readOnly": true}]'
expect 125 run --disk good.qcow2 -- true
err_has "viv: --disk: virtualisation.qemu.drives[1]: $work/good.qcow2 is in use by the machine holder"
expect 125 run --keep -- true
err_has "vm.qcow2 is in use by the machine holder"
expect 125 run --keep --fresh -- true
err_has "vm.qcow2 is in use by the machine holder"
expect 125 drive '{"file": "./good.qcow2", "readOnly": true}' -- true
err_has "is in use by the machine holder"

# What is removed takes no room on the host; what is read-only stays as it is.
cat >guest.sh <<'EOF'
set -e
cd /dev/disk/by-id
[ "$(blockdev --getsize64 virtio-empty0)" = $((13 << 20)) ]
! dd if=/dev/zero of=virtio-ro bs=512 count=1 conv=fsync,notrunc 2>/dev/null || { echo "ro was written"; exit 1; }
mke2fs -q -F scsi-0QEMU_QEMU_HARDDISK_data
mount scsi-0QEMU_QEMU_HARDDISK_data /mnt
dd if=/dev/urandom of=/mnt/large bs=1M count=30 conv=fsync status=none
rm /mnt/large
fstrim /mnt
umount /mnt
EOF
expect 0 "$VIV" exec holder -- sh -c "$(cat guest.sh)"
out_is ""
expect 0 "$VIV" stop holder
expect 0 qemu-img check -q good.qcow2
expect 0 qemu-img check -q vm.qcow2
[ "$(du -k data.img | cut -f1)" -lt 12000 ] || fail "data.img takes $(du -k data.img | cut -f1) kB"
[ "$(du -k ro.img | cut -f1)" = 0 ] || fail "ro.img was written"
[ -z "$(ls | grep -vxE 'out|err|vm.lua|vm.lock|machine.lua|guest.sh|runtime|config|home|folder|.*\.(img|qcow2|vmdk)')" ] ||
	fail "something is left: $(ls)"
