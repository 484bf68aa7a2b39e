-- SPDX-License-Identifier: MIT
-- slow
-- Declared disks without an init system, and what can have become of them: a start that was killed, a part of an
-- array that is away, a layout that is another. Besides: autoFormat of every type. disks-declared-root.sh has a root.
local id = "/dev/disk/by-id/"
local gpt, mbr, other = id .. "virtio-gpt", id .. "virtio-mbr", id .. "scsi-0QEMU_QEMU_HARDDISK_other"

machine = {
	system = { init = "none" },
	disks = {
		gpt = {
			size = "800M",
			partitions = {
				{ name = "root", size = 200, fsType = "ext4", label = "a-root" },
				{ size = 300, fsType = "xfs", mountPoint = "/xfs" },
				{ size = 20, fsType = "swap" },
				{ volumeGroup = "pool" },
			},
		},
		mbr = { size = 100, table = "mbr", partitions = { { size = 50, raid = "mirror" }, { fsType = "vfat" } } },
		other = { size = 50, interface = "scsi", raid = "mirror" },
		s1 = { size = 60, raid = "stripe" },
		s2 = { size = 60, raid = "stripe" },
	},
	raid = { mirror = { fsType = "ext4", mountPoint = "/mirror" }, stripe = { level = 0, volumeGroup = "pool" } },
	lvm = { pool = { volumes = { a = { size = 50, fsType = "ext4", mountPoint = "/a" }, b = { fsType = "ext4" } } } },
	virtualisation = { emptyDiskImages = { 310, 130, 70, 20, 20 } },
	fileSystems = {},
}
for number, kind in pairs { [0] = "xfs", [1] = "btrfs", [3] = "ext2", [4] = "ext3" } do
	machine.fileSystems["/auto/" .. kind] = { device = id .. "virtio-empty" .. number, fsType = kind, autoFormat = true }
end

-- What is made of disks is let go of.
local function off()
	machine:succeed("vgchange -q -an pool; mdadm --stop --scan; rm -rf /dev/pool", { strict = false })
end

-- What a start does, with a description that is changed by sed: nothing is in the way, or this is.
local function starts(said, edit)
	off()
	machine:succeed(("sed '%s' /etc/viv/disks >/tmp/disks"):format(edit or ""))
	local status, out = machine:execute("sh /tmp/disks 2>&1")
	t.equal(out, said and said .. "\n" or "", edit)
	t.equal(status, said and 1 or 0, edit)
end

-- What a start leaves on a disk that it makes, in a sector that nothing else is in.
local function mark(disk, sector, text)
	machine:succeed(([[printf '%%-511s\n' "viv-disks %s 11111111-2222-3333-4444-555555555555" |
		dd of=%s bs=512 seek=%d conv=notrunc,fsync 2>/dev/null]]):format(text, disk, sector))
end

local function zero(disk, words)
	machine:succeed(("dd if=/dev/zero of=%s %s conv=notrunc,fsync 2>/dev/null"):format(disk, words))
end

local function root()
	return machine:succeed("blkid -p -o value -s UUID " .. gpt .. "-part1")
end

test("declared disks", function()
	subtest("all of it is there", function()
		machine:prints("grep -oE ' /(xfs|mirror|a|auto/[a-z0-9]*) [a-z0-9]+' /proc/mounts",
			" /a ext4\n /auto/btrfs btrfs\n /auto/ext2 ext2\n /auto/ext3 ext3\n /auto/xfs xfs\n /mirror ext4\n /xfs xfs")
		machine:prints("wc -l </proc/swaps", "2")
		machine:succeed("umount -a -t ext2,ext3,ext4,xfs,btrfs 2>/dev/null; swapoff -a", { strict = false })
	end)
	local was = root()

	subtest("what is made is found", function()
		starts()
		mark(gpt, 40, "making")
		mark(mbr, 40, "made")
		mark(other, 7, "making")
		starts()
		t.equal(root(), was)
	end)

	subtest("what was perhaps used is left as it is", function()
		mark(gpt, 40, "making")
		starts("the disk /dev/pool/a is not made to its end, but may have been used: it is left as it is. wipefs -a frees it")
		off()
		machine:succeed("head -c 131072 " .. gpt .. " >/tmp/table")
		zero(gpt, "bs=64k count=2")
		zero(gpt, "bs=1M seek=799 count=1")
		machine:succeed("blockdev --rereadpt " .. gpt)
		starts("the disk " .. gpt .. " holds something unknown, and a table (gpt) is declared: it is left as it is")
		machine:succeed(("dd if=/tmp/table of=%s conv=notrunc,fsync 2>/dev/null; blockdev --rereadpt %s"):format(gpt, gpt))
		t.equal(root(), was)
		machine:succeed('DM_DISABLE_UDEV=1 dmsetup create bad --table "0 204800 error"')
		starts("the disk /dev/mapper/bad can't be read: it is left as it is", "s,/dev/disk/by-id/virtio-gpt,/dev/mapper/bad,g")
		machine:succeed("DM_DISABLE_UDEV=1 dmsetup remove bad")
		zero(gpt, "bs=512 seek=40 count=1")
		zero(mbr .. "-part1", "bs=64k count=2")
		zero(other, "bs=64k count=2")
		starts("the disk /dev/md/mirror is new, but where it lies is ext4 already: it is left as it is")
	end)

	subtest("what was not made to its end is made anew", function()
		off()
		machine:succeed(([[cd /dev/disk/by-id
			for d in %s %s %s virtio-s1 virtio-s2; do blkdiscard -f $d 2>/dev/null; done
			blockdev --rereadpt %s; blockdev --rereadpt %s]]):format(gpt, mbr, other, gpt, mbr), { strict = false })
		starts(nil, "s/^made .*/:/")
		was = root()
		starts()
		t.not_equal(root(), was)
		starts()
	end)

	subtest("a part of the array that is empty, that is away, that was away", function()
		off()
		machine:succeed("wipefs -q -a " .. other)
		zero(other, "bs=1M count=1")
		starts()
		machine:execute("mdadm --wait /dev/md/mirror 2>/dev/null") -- it fails where there is nothing to wait for
		machine:prints("cat /sys/block/md*/md/degraded", "0")
		starts(nil, "s/scsi-0QEMU_QEMU_HARDDISK_other/nobody/")
		machine:prints("mdadm --detail /dev/md/mirror | grep -oE 'clean, degraded'", "clean, degraded")
		starts()
	end)

	-- Of one that was away for a moment it may say that the array is degraded.
	subtest("all that was said", function()
		machine:prints("dmesg | grep -oE 'viv-init: warning: .*' | sed 's,/dev/disk/by-id/,,g' | grep -v 'degraded: what'", [[
viv-init: warning: the disk virtio-gpt was not made to its end: it is made anew
viv-init: warning: the disk virtio-mbr was not made to its end: it is made anew
viv-init: warning: the disk scsi-0QEMU_QEMU_HARDDISK_other was not made to its end: it is made anew
viv-init: warning: the disk virtio-s1 was not made to its end: it is made anew
viv-init: warning: the disk virtio-s2 was not made to its end: it is made anew
viv-init: warning: the disk scsi-0QEMU_QEMU_HARDDISK_other is empty: raid.mirror is copied onto it
viv-init: warning: raid.mirror is degraded: nobody is not there: what is written now has one copy less
]])
	end)

	subtest("another layout", function()
		starts("the disk " .. gpt .. ": partition 1 has 409600 sectors, and 411648 are declared", "s/^2048 409600/2048 411648/")
		starts("the disk " .. gpt .. ": partition 1 has another name than other, which is declared", "s/linux root$/linux other/")
		starts("the disk " .. gpt .. " has more partitions than the 3 that are declared", "/^1067008 - lvm/d")
		starts("the disk " .. gpt .. "-part2 holds xfs, and btrfs is declared: it is left as it is", "s/^content xfs/content btrfs/")
		starts("the disk " .. gpt .. "-part1 has the label \"a-root\", and b-root is declared", "s/a-root/b-root/")
		starts("the disk /dev/pool/a has 52 MiB, and 56 are declared", "s/pool a 52/pool a 56/")
		starts("the disk " .. gpt .. "-part4 belongs to the volume group pool, and other is declared", "s/^group pool/group other/")
		starts("the disk /dev/md/mirror is not of level 0, which is declared", "s/^raid mirror 1/raid mirror 0/")
		starts("the disk " .. gpt .. " holds gpt, and a table (dos) is declared: it is left as it is", "s/^table gpt/table dos/")
		starts("the disk " .. id .. "virtio-away is not there", "s/virtio-gpt/virtio-away/g")
	end)
	off()
end)
