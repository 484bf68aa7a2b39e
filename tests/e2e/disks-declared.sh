# SPDX-License-Identifier: MIT
# Declared disks: their images, and a disk that nobody gives the machine. disks-systemd.test.lua and
# disks-declared-none.test.lua have what is on them.
. "$(dirname "$0")/lib.sh"

quick_machine
cat >>vm.lua <<'EOT'
disks.gpt = { size = "1G", image = "./gpt.img", partitions = { { size = 300, fsType = "ext4" } } }
disks.mbr = { size = 200, image = "./mbr.qcow2", table = "mbr", partitions = { { size = 50, raid = "mirror" } } }
disks.other = { size = 50, image = "./other.img", raid = "mirror", interface = "scsi" }
raid.mirror.fsType = "ext4"
EOT
# The run script makes what is not there yet, and nothing else.
expect 0 "$VIV" build -q
mkdir bin
printf '#!/bin/sh\n[ "$*" != --version ] || echo "QEMU emulator version 7.2.1"\n' >bin/qemu-system-x86_64
chmod +x bin/qemu-system-x86_64
script() { expect 0 env PATH="$work/bin:$PATH" VIV_ACCEL=tcg result/bin/run-vm-vm; }
script
printf mine | dd of=gpt.img conv=notrunc status=none
rm other.img
script
[ "$(stat -c %s other.img)" = $((50 << 20)) ] || fail "the run script made no other.img"
[ "$(head -c 4 gpt.img)" = mine ] || fail "gpt.img was made anew"
[ "$(head -c 3 mbr.qcow2)" = QFI ] || fail "mbr.qcow2 is no qcow2 image"
expect 125 "$VIV" run -q --set disks.gone.fsType=ext4 -- true
err_has "command line: disks.gone: the machine has no disk /dev/disk/by-id/virtio-gone"
