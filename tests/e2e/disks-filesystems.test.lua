-- SPDX-License-Identifier: MIT
-- slow
-- What virtualisation.fileSystems says, on a root that can't be written; a root on another disk than the machine's own.
machines["*"].system.init = "none"

-- Instead of fileSystems, and nothing else. The folders to mount on are in the image; one that can't be is no matter
-- with nofail.
machines.readonly = {
	virtualisation = {
		writableStore = false,
		fileSystems = {
			["/mem/a b"] = { fsType = "tmpfs" },
			["/var/x"] = { fsType = "tmpfs", options = { "nofail" } },
			["/x"] = { device = "/dev/disk/by-label/a-label", fsType = "ext4", options = { "ro" } },
		},
	},
	fileSystems = { ["/data"] = { fsType = "tmpfs" } },
	disks = { d = { size = 64, fsType = "ext4", label = "a-label" } },
}
machines.root = {
	virtualisation = {
		emptyDiskImages = { { size = 200, serial = "root" } },
		rootDevice = "/dev/disk/by-id/virtio-root",
	},
}

test("virtualisation.fileSystems, on a root that can't be written", function()
	readonly:prints("stat -c %a /mem; stat -f -c %T '/mem/a b'", "755\ntmpfs")
	readonly:prints("grep -c ' /x ext4 ro' /proc/mounts", "1")
	for _, path in ipairs { "/var/x", "/data" } do
		readonly:fail("test -e " .. path)
	end
	readonly:fail("touch /here")
end)

-- Made there, and found again by what it holds.
test("a root on another disk", function()
	local size = tonumber(root:succeed("df --output=size / | tail -n 1"))
	t.is_true(size < 200000, "the root has " .. size .. " kB")
	root:fail("ls /dev/disk/by-id | grep viv-disk")
	root:prints("blkid -o value -s LABEL /dev/disk/by-id/virtio-root", "viv-disk")
	root:succeed("touch /usr/here")
	root:reboot()
	root:succeed("ls /usr/here")
end)
