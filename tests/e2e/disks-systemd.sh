# SPDX-License-Identifier: MIT
# slow
# The whole of a systemd machine on a disk of its own, with further ones by every interface: each is found
# by its serial, before udev comes to it. File systems on them: made at the first start, found at the second.
. "$(dirname "$0")/lib.sh"

cat >vm.lua <<'EOF'
environment.systemPackages = { "fping" } -- a program with a file capability
virtualisation.rootFileSystem = "ext4"
virtualisation.qemu.drives = { { name = "data", file = "./data.img" } }
fileSystems["/data"] = { device = "/dev/disk/by-id/virtio-data", fsType = "ext4", autoFormat = true }
fileSystems["/early"] = { device = "/dev/disk/by-id/virtio-empty0", fsType = "ext4", autoFormat = true, neededForBoot = true }
virtualisation.emptyDiskImages = {
	8,
	{ size = 9, serial = "a-scsi", interface = "scsi" },
	{ size = 10, serial = "an-ide", interface = "ide" },
	{ size = 11, serial = "a-nvme", interface = "nvme" },
}
EOF
truncate -s 64M data.img
cat >guest.sh <<'EOF'
findmnt -n -o FSTYPE /
findmnt -n -o SOURCE /
readlink -f /dev/disk/by-id/virtio-viv-disk
cd /dev/disk/by-id && for d in virtio-empty0 scsi-0QEMU_QEMU_HARDDISK_a-scsi ata-QEMU_HARDDISK_an-ide nvme-QEMU_NVMe_Ctrl_a-nvme; do
	blockdev --getsize64 $d
done
getcap /usr/bin/fping
systemctl --failed --no-legend
findmnt -n -o FSTYPE /data
findmnt -n -o FSTYPE /early
touch /data/here
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
/usr/bin/fping cap_net_raw=ep
ext4
ext4"
expect 0 "$VIV" run -q --keep -- ls /root/here /data/here
# What can't be mounted ends the run, and is named.
expect 121 "$VIV" run -q --set virtualisation.rootFileSystem=null --set \
	'virtualisation.fileSystems={"/x": {"device": "LABEL=nobody", "options": ["x-systemd.device-timeout=1s"]}}' -- true
err_has "the system is in emergency mode, not mounted: /x"
