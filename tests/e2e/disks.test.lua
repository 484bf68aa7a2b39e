-- SPDX-License-Identifier: MIT
-- Disks and what is mounted from them, without an init system: all interfaces, each found by its serial; file systems
-- made at the first start, found at the second. disks.sh has images, and what is wrong with one.
machine = {
	system = { init = "none" },
	virtualisation = { emptyDiskImages = {
		8,
		{ size = 9, serial = "a-scsi", interface = "scsi" },
		{ size = 10, serial = "an-ide", interface = "ide" },
		{ size = 11, serial = "a-nvme", interface = "nvme" },
		{ size = 12, serial = "a-qcow2", format = "qcow2" },
		13,
		{ size = 64, serial = "data" },
		{ size = 40, serial = "fat" },
	} },
	fileSystems = {
		["/"] = { device = "/dev/disk/by-label/on-real-hardware" },
		["/data"] = { device = "/dev/disk/by-id/virtio-data", fsType = "ext4", autoFormat = true, neededForBoot = true },
		["/data/a b"] = { device = "/dev/disk/by-id/virtio-fat", fsType = "vfat", autoFormat = true, options = { "uid=7" } },
		["/mem"] = { fsType = "tmpfs", options = { "size=1M", "mode=0700" } },
		["/bound"] = { device = "/data", options = { "bind" } },
		["/proc/x"] = { fsType = "tmpfs", options = { "nofail" } },
		["/none"] = { device = "LABEL=nobody-has-it", fsType = "iso9660", options = { "nofail" } },
	},
}

local sizes = {
	["virtio-empty0"] = 8,
	["scsi-0QEMU_QEMU_HARDDISK_a-scsi"] = 9,
	["ata-QEMU_HARDDISK_an-ide"] = 10,
	["nvme-QEMU_NVMe_Ctrl_a-nvme"] = 11,
	["virtio-a-qcow2"] = 12,
	["virtio-empty5"] = 13,
}

-- What a start finds, after one that has used it.
local function look(again)
	subtest("disks by their serials", function()
		for name, size in pairs(sizes) do
			local disk, text = "/dev/disk/by-id/" .. name, "of " .. name
			machine:prints("blockdev --getsize64 " .. disk, size << 20)
			machine:prints(("head -c %d %s | tr -d '\\0'"):format(#text, disk), again and text or "")
			machine:succeed("dd of=" .. disk .. " conv=fsync,notrunc status=none", { input = text })
		end
	end)
	subtest("file systems", function()
		machine:prints("for d in /data '/data/a b' /mem /bound; do stat -f -c %T \"$d\"; done", "ext2/ext3\nmsdos\ntmpfs\next2/ext3")
		machine:succeed("grep -qw iso9660 /proc/filesystems")
		machine:prints("stat -c %u '/data/a b'", "7")
		machine:prints("df --output=size /mem | tail -n 1 | tr -d ' '", "1024")
		machine:prints("ls /data", again and "a b\nhere\nlost+found" or "a b\nlost+found")
		machine:prints("dmesg | grep -i 'EXT4-fs.*recover\\|FAT-fs.*unmounted' || :", "")
		machine:succeed("touch /bound/here")
	end)
end

test("disks", function()
	look(false)
	machine:reboot()
	look(true)
end)
