-- SPDX-License-Identifier: MIT
-- slow
-- examples/vm-variant: what is said of real hardware is not in the way of its virtual machine.
machine = "../../examples/vm-variant/vm.lua"

local function says(command, wanted)
	t.equal(machine:succeed(command), wanted, command)
end

test("vm-variant", function()
	says("hostname", "archive-vm\n")
	says("findmnt -n -o SOURCE,FSTYPE /srv", machine:succeed("readlink -f /dev/disk/by-id/virtio-srv | tr -d '\\n'") .. " xfs\n")
	local size = tonumber(machine:succeed("df --output=size -m /srv | tail -n 1"))
	t.is_true(size >= 400 and size < 500, "/srv has " .. size .. " MiB")
	says("swapon --noheadings", "")
	says("systemctl is-system-running --wait; systemctl --failed --no-legend", "running\n")
	machine:succeed("rsync --version")
end)
