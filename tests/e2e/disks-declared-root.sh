# SPDX-License-Identifier: MIT
# slow
# A root on a partition that another description has made, found by its label, its name and its UUID.
# disks-declared-none.test.lua has what becomes of declared disks.
. "$(dirname "$0")/lib.sh"

cat >vm.lua <<'EOT'
system.init = "none"
disks.gpt = {
	size = "300M",
	image = "./gpt.img",
	partitions = { { name = "root", size = 200, fsType = "ext4", label = "a-root" } },
}
EOT
expect 0 "$VIV" run -q -- true
cat >root.lua <<'EOT'
system.init = "none"
virtualisation.qemu.drives = { { name = "kept", file = "./gpt.img" } }
EOT
root() { "$VIV" run -q root.lua --set virtualisation.rootDevice="/dev/disk/$1" "${@:2}"; }
expect 0 root by-partlabel/root -- touch /usr/here
expect 0 root by-label/a-root -- ls /usr/here
uuid=$(blkid -p -o value -s UUID --offset 1048576 gpt.img) || fail "no UUID"
expect 0 root "by-uuid/$uuid" -- ls /usr/here
expect 125 root by-partlabel/nobody -- true
err_has "the disk /dev/disk/by-partlabel/nobody is not there"
