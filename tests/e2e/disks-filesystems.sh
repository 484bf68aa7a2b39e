# SPDX-License-Identifier: MIT
# slow
# What holds something is never formatted. disks.test.lua and disks-filesystems.test.lua have what is.
. "$(dirname "$0")/lib.sh"

quick_machine
cat >machine.lua <<'EOF'
imports = { "./vm.lua" }
virtualisation.qemu.drives = { { name = "data", file = "./data.img" } }
fileSystems["/data"] = { device = "/dev/disk/by-id/virtio-data", fsType = "ext4", autoFormat = true }
EOF
# An ext4 that can't be mounted
truncate -s 64M data.img
printf mine | dd of=data.img conv=notrunc status=none bs=1k seek=1
printf '\123\357' | dd of=data.img bs=1 seek=1080 conv=notrunc status=none
cp data.img before.img
expect 121 "$VIV" run -q machine.lua -- true
err_has "cannot mount /dev/disk/by-id/virtio-data on /data: "
cmp data.img before.img || fail "the disk was written"
