# SPDX-License-Identifier: MIT
# The whole of a systemd machine on a disk of its own, with further ones by every interface: each is found
# by its serial, before udev comes to it.
. "$(dirname "$0")/lib.sh"

cat >vm.lua <<'EOF'
environment.systemPackages = { "fping" } -- a program with a file capability
virtualisation.rootFileSystem = "ext4"
virtualisation.emptyDiskImages = {
	8,
	{ size = 9, serial = "a-scsi", interface = "scsi" },
	{ size = 10, serial = "an-ide", interface = "ide" },
	{ size = 11, serial = "a-nvme", interface = "nvme" },
}
EOF
cat >guest.sh <<'EOF'
findmnt -n -o FSTYPE /
findmnt -n -o SOURCE /
readlink -f /dev/disk/by-id/virtio-viv-disk
cd /dev/disk/by-id && for d in virtio-empty0 scsi-0QEMU_QEMU_HARDDISK_a-scsi ata-QEMU_HARDDISK_an-ide nvme-QEMU_NVMe_Ctrl_a-nvme; do
	blockdev --getsize64 $d
done
getcap /usr/bin/fping
systemctl --failed --no-legend
touch /root/here
EOF
expect 0 "$VIV" run -q --keep -- sh -c "$(cat guest.sh)"
disk=$(sed -n 2p out)
out_is "ext4
$disk
$disk
8388608
9437184
10485760
11534336
/usr/bin/fping cap_net_raw=ep"
expect 0 "$VIV" run -q --keep -- test -e /root/here
