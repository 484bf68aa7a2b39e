# SPDX-License-Identifier: MIT
# Disks beside the machine's own: blank ones, images, disks of the host's; all interfaces; discard; what
# is wrong with one is said before the boot.
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

# All interfaces in one boot, each found by its serial; what is removed takes no room on the host.
cat >machine.lua <<'EOF'
imports = { "./vm.lua" }
virtualisation.emptyDiskImages = {
	8,
	{ size = 9, serial = "a-scsi", interface = "scsi" },
	{ size = 10, serial = "an-ide", interface = "ide" },
	{ size = 11, serial = "a-nvme", interface = "nvme" },
	{ size = 12, serial = "a-qcow2", format = "qcow2" },
}
virtualisation.qemu.drives = {
	{ name = "data", file = "./data.img", interface = "scsi" },
	{ name = "ro", file = "./ro.img", readOnly = true },
}
EOF
truncate -s 64M data.img
truncate -s 8M ro.img
cat >guest.sh <<'EOF'
set -e
cd /dev/disk/by-id
size() { [ "$(blockdev --getsize64 "$1")" = $(($2 << 20)) ] || { echo "$1: $(blockdev --getsize64 "$1")"; exit 1; }; }
size virtio-empty0 8
size scsi-0QEMU_QEMU_HARDDISK_a-scsi 9
size ata-QEMU_HARDDISK_an-ide 10
size nvme-QEMU_NVMe_Ctrl_a-nvme 11
size virtio-a-qcow2 12
size virtio-empty5 13
for d in virtio-empty0 scsi-0QEMU_QEMU_HARDDISK_a-scsi ata-QEMU_HARDDISK_an-ide nvme-QEMU_NVMe_Ctrl_a-nvme virtio-a-qcow2; do
	echo "of $d" | dd of=$d conv=fsync,notrunc status=none
	[ "$(head -c $((4 + ${#d})) $d)" = "of $d" ] || { echo "$d: what was written is not there"; exit 1; }
done
! dd if=/dev/zero of=virtio-ro bs=512 count=1 conv=fsync,notrunc 2>/dev/null || { echo "ro was written"; exit 1; }
mke2fs -q -F scsi-0QEMU_QEMU_HARDDISK_data
mount scsi-0QEMU_QEMU_HARDDISK_data /mnt
dd if=/dev/urandom of=/mnt/large bs=1M count=30 conv=fsync status=none
rm /mnt/large
fstrim /mnt
umount /mnt
EOF
expect 0 run machine.lua --disk 13 -- sh -c "$(cat guest.sh)"
out_is ""
[ "$(du -k data.img | cut -f1)" -lt 12000 ] || fail "data.img takes $(du -k data.img | cut -f1) kB"
[ "$(du -k ro.img | cut -f1)" = 0 ] || fail "ro.img was written"
[ -z "$(ls | grep -vxE 'out|err|vm.lua|vm.lock|machine.lua|guest.sh|runtime|config|home|folder|.*\.(img|qcow2|vmdk)')" ] ||
	fail "something is left: $(ls)"

# One image, one machine: the second is told which has it. Readers may be many.
expect 0 run --detach --name holder --disk good.qcow2 --keep
expect 125 run --disk good.qcow2 -- true
err_has "viv: --disk: virtualisation.qemu.drives[1]: $work/good.qcow2 is in use by the machine holder"
expect 125 run --keep -- true
err_has "vm.qcow2 is in use by the machine holder"
expect 125 run --keep --fresh -- true
err_has "vm.qcow2 is in use by the machine holder"
expect 125 drive '{"file": "./good.qcow2", "readOnly": true}' -- true
err_has "is in use by the machine holder"
expect 0 "$VIV" stop holder
expect 0 qemu-img check -q good.qcow2
expect 0 qemu-img check -q vm.qcow2
