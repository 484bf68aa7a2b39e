-- SPDX-License-Identifier: MIT
-- A machine's own disk: left as it is, not there at all, by other interfaces. run-disk.sh has what becomes of it.
machines["*"] = {
	system = { init = "none" },
	environment = { systemPackages = { "e2fsprogs" } }, -- who formats it
	virtualisation = { memorySize = 512 },
}
machines.unused.virtualisation = { useDefaultFilesystems = false, diskSize = 17 }
machines.memory.virtualisation.writableStoreUseTmpfs = true
machines.nvme.virtualisation.qemu.diskInterface = "nvme"
machines.scsi.virtualisation.qemu.diskInterface = "scsi"

test("writes go to memory", function()
	unused:succeed("touch /usr/here; sync")
	unused:prints([[cd /dev/disk/by-id
		blockdev --getsize64 virtio-viv-disk; head -c 17825792 virtio-viv-disk | tr -d '\0' | wc -c]], "17825792\n0")
	memory:fail("ls /dev/disk/by-id | grep viv-disk")
	memory:succeed("touch /usr/here")
end)

test("other interfaces", function()
	for _, machine in ipairs { nvme, scsi } do
		local size = tonumber(machine:succeed("df --output=size / | tail -n 1"))
		t.is_true(size > 900000, "the root is not on the disk of 1 GiB: " .. size)
		machine:succeed("touch /usr/here")
	end
end)
