# SPDX-License-Identifier: MIT
# Disks and the host: a full file system there, a block device of its own.
. "$(dirname "$0")/lib.sh"

command -v qemu-img >/dev/null || skip "qemu-img is missing"
needs_root
quick_machine
drive() { "$VIV" run -q --set "virtualisation.qemu.drives=[$1]" "${@:2}"; }

# The guest gets an error and goes on; the image stays whole.
mkdir small
cat >guest.sh <<'EOF'
dd if=/dev/urandom of=/dev/disk/by-id/virtio-drive0 bs=1M count=60 conv=fsync,notrunc 2>/dev/null
[ $? != 0 ] && echo "the guest goes on"
EOF
cat >full.sh <<'EOF'
qemu-img create -q -f qcow2 small/disk.qcow2 100M
"$VIV" run -q --set 'virtualisation.qemu.drives=[{"file": "./small/disk.qcow2"}]' -- sh -c "$(cat guest.sh)" &&
qemu-img check -q small/disk.qcow2
EOF
expect 0 mounted "mount -t tmpfs -o size=20M tmpfs $work/small" sh full.sh
out_is "the guest goes on"

# Without udev a loop device has no node where the host's /dev is not the kernel's.
truncate -s 16M loop.img
loop=$(losetup -f --show loop.img 2>/dev/null) && [ -b "$loop" ] || skip "no loop device: block devices were not tested"
trap 'losetup -d "$loop"; cleanup' EXIT
expect 0 drive "{\"file\": \"$loop\"}" -- sh -c 'echo hello | dd of=/dev/disk/by-id/virtio-drive0 conv=fsync,notrunc status=none'
[ "$(head -c 5 "$loop")" = hello ] || fail "nothing was written to $loop"
mke2fs -q -F "$loop"
# What would be kept beside it can't be: /dev is no place for it.
kept() { expect 125 env VIV_DISK_IMAGE="$loop" "$VIV" run -q --set "$1" -- true; }
if command -v swtpm >/dev/null; then
	kept virtualisation.tpm.enable=true
	err_has "virtualisation.tpm.enable: its state is kept beside the machine's disk, and $loop is no file"
fi
if [ -f /usr/share/OVMF/OVMF_CODE_4M.fd ]; then
	kept virtualisation.useEFIBoot=true
	err_has "virtualisation.useEFIBoot: its variables are kept beside the machine's disk, and $loop is no file"
fi
mkdir mnt
cp loop.img before.img
expect 125 mounted "mount $loop $work/mnt" "$VIV" run -q --disk "$loop" -- true
err_has "is in use on this host"
