-- SPDX-License-Identifier: MIT
-- slow
-- Disks with systemd: the whole of it on a disk of its own; further ones by every interface, each found by its serial
-- before udev comes to it; declared ones, whose tables, file systems, swap, volumes and array are made at the first
-- start, and found at the second, where a part of the array is an empty disk.
machines.machine = {
	environment = { systemPackages = { "fdisk", "fping" } }, -- fping has a file capability
	virtualisation = {
		rootFileSystem = "ext4",
		emptyDiskImages = {
			8,
			{ size = 64, serial = "data" },
			{ size = 9, serial = "a-scsi", interface = "scsi" },
			{ size = 10, serial = "an-ide", interface = "ide" },
			{ size = 11, serial = "a-nvme", interface = "nvme" },
		},
	},
	fileSystems = {
		["/data"] = { device = "/dev/disk/by-id/virtio-data", fsType = "ext4", autoFormat = true },
		["/early"] = {
			device = "/dev/disk/by-id/virtio-empty0", fsType = "ext4", autoFormat = true, neededForBoot = true,
		},
	},
	disks = {
		gpt = {
			size = "1G",
			partitions = {
				{ name = "efi", size = 40, type = "esp", fsType = "vfat", label = "EFI", mountPoint = "/efi" },
				{ name = "xfs", size = 300, fsType = "xfs", label = "an-xfs", mountPoint = "/xfs", neededForBoot = true },
				{ size = 120, fsType = "btrfs", mountPoint = "/btrfs" },
				{ size = 20, fsType = "swap" },
				{ volumeGroup = "pool" },
			},
		},
		mbr = {
			size = 200,
			table = "mbr",
			partitions = { { size = 50, raid = "mirror" }, { fsType = "ext4", mountPoint = "/mbr" } },
		},
		other = { size = 50, raid = "mirror", interface = "scsi" },
	},
	raid = { mirror = { fsType = "ext4", label = "mirror", mountPoint = "/mirror" } },
	lvm = { pool = { volumes = {
		a = { fsType = "ext4", mountPoint = "/rest", neededForBoot = true },
		b = { size = 50, fsType = "ext4", mountPoint = "/rest/b" },
	} } },
}
machines.broken = {
	fileSystems = { ["/x"] = { device = "LABEL=nobody", options = { "x-systemd.device-timeout=1s" } } },
}

local by_id = "/dev/disk/by-id/"
local other = by_id .. "scsi-0QEMU_QEMU_HARDDISK_other"
local sizes = {
	["virtio-empty0"] = 8,
	["scsi-0QEMU_QEMU_HARDDISK_a-scsi"] = 9,
	["ata-QEMU_HARDDISK_an-ide"] = 10,
	["nvme-QEMU_NVMe_Ctrl_a-nvme"] = 11,
}
local mounts = {
	["/"] = "ext4", ["/data"] = "ext4", ["/early"] = "ext4", ["/efi"] = "vfat", ["/xfs"] = "xfs", ["/btrfs"] = "btrfs",
	["/mbr"] = "ext4", ["/mirror"] = "ext4", ["/rest"] = "ext4", ["/rest/b"] = "ext4",
}

-- What a start finds, after one of which all of it was used.
local function look(again)
	subtest("all of it is up, and nothing has failed", function()
		machine:prints("systemctl is-system-running --wait; systemctl --failed --no-legend", "running")
		machine:prints("dmesg | grep -o 'viv-init: warning: .*' || :", not again and "" or
			"viv-init: warning: the disk " .. other .. " is empty: raid.mirror is copied onto it")
	end)
	subtest("file systems", function()
		for where, kind in pairs(mounts) do
			machine:prints("findmnt -n -o FSTYPE " .. where, kind)
			t.equal(machine:execute("test -e " .. where .. "/here"), again and 0 or 1, where .. "/here")
			machine:succeed("touch " .. where .. "/here")
		end
		machine:prints("findmnt -n -o SOURCE /", machine:succeed("readlink -f " .. by_id .. "virtio-viv-disk"))
		machine:prints("getcap /usr/bin/fping", "/usr/bin/fping cap_net_raw=ep")
	end)
	subtest("disks by their serials", function()
		for name, size in pairs(sizes) do
			machine:prints("blockdev --getsize64 " .. by_id .. name, size << 20)
		end
	end)
	subtest("tables, labels, volumes, the array, swap", function()
		machine:prints("cd " .. by_id .. "; blkid -p -o value -s PTTYPE virtio-gpt virtio-mbr; sfdisk -q --verify virtio-gpt", "gpt\ndos")
		machine:prints("ls /dev/disk/by-partlabel | grep -xE 'efi|xfs'", "efi\nxfs")
		machine:prints("ls /dev/disk/by-label | grep -xE 'an-xfs|EFI|mirror'", "EFI\nan-xfs\nmirror")
		machine:prints("lvs --noheadings --nosuffix --units m -o lv_name,lv_size | tr -d ' '", "a488.00\nb52.00")
		machine:prints("cat /sys/block/md*/md/raid_disks", "2")
		machine:prints("swapon --noheadings --show=SIZE", "20M")
	end)
end

test("disks", function()
	look(false)
	-- Another disk in its place.
	machine:succeed("umount /mirror; mdadm --stop /dev/md/mirror; dd if=/dev/zero of=" .. other .. " bs=1M count=50 conv=fsync")
	machine:reboot()
	look(true)
end)

test("what can't be mounted", function()
	t.raises(function() broken:wait_until_up() end, "the system is in emergency mode, not mounted: /x")
end)
