disks.room = {
	size = 100,
	partitions = {
		{ size = 60, fsType = "ext4" },
		{ size = 60 },
	},
}
disks.rest = {
	size = 100,
	partitions = {
		{ name = "a" },
		{ name = "a", size = 10 },
	},
}
disks.full = { size = 64, partitions = { { size = 62 }, {} } }
disks.mbr = {
	size = "3T",
	table = "mbr",
	partitions = {
		{ size = 1, name = "one" },
		{ size = 1, type = "bios" },
		{ size = "2T" },
		{ size = 1 },
		{ size = 1 },
	},
}
disks.whole = { size = 64, fsType = "ext4", partitions = { { size = 1 } } }
disks.table = { size = 64, table = "gpt" }
disks.two = { size = 64, device = "/dev/vdz" }
disks.fs = {
	partitions = {
		{ size = 200, fsType = "xfs", label = "thirteen-long" },
		{ size = 64, fsType = "ext4", label = "seventeen-letters" },
		{ size = 64, fsType = "vfat", label = "twelve-chars" },
		{ size = 64, fsType = "swap", label = "sixteen-letters-", mountPoint = "/swap" },
		{ size = 64, fsType = "btrfs" },
		{ size = 64, label = "nothing" },
		{ size = 64, mountPoint = "/nothing" },
		{ size = 64, fsType = "ext4", options = { "ro" } },
		{ size = 64, fsType = "ext4", neededForBoot = true },
		{ size = 64, fsType = "ext4", raid = "mirror" },
		{ size = 64, volumeGroup = "nobody" },
		{ size = 64, raid = "nobody" },
	},
}
disks.mounts = {
	partitions = {
		{ size = 64, fsType = "ext4", mountPoint = "/a" },
		{ size = 64, fsType = "ext4", mountPoint = "/a" },
		{ size = 64, fsType = "ext4", mountPoint = "/b" },
		{ size = 64, fsType = "ext4", mountPoint = "/" },
		{ size = 64, volumeGroup = "small" },
	},
}
fileSystems["/b"] = { fsType = "tmpfs" }
raid.mirror.level = 1
raid.none = { fsType = "xfs" }
lvm.small.volumes = {
	a = { size = 40 },
	b = { size = 40 },
	c = {},
	d = {},
}
lvm.empty = {}
virtualisation.emptyDiskImages = { { size = 1, serial = "whole" } }
disks["viv-disk"] = { fsType = "ext4" }
disks["viv-layer-0"] = { partitions = { {} } }
disks.own = { device = "/dev/disk/by-id/virtio-viv-layer-1", fsType = "xfs" }
