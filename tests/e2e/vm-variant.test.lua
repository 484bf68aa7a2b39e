-- SPDX-License-Identifier: MIT
-- slow
-- examples/vm-variant: what is said of real hardware is not in the way of its virtual machine.
machine = "../../examples/vm-variant/vm.lua"

test("vm-variant", function()
	machine:prints("hostname", "archive-vm")
	machine:prints("findmnt -n -o SOURCE,FSTYPE /srv", machine:succeed("readlink -f /dev/disk/by-id/virtio-srv | tr -d '\\n'") .. " xfs")
	local size = tonumber(machine:succeed("df --output=size -m /srv | tail -n 1"))
	t.is_true(size >= 400 and size < 500, "/srv has " .. size .. " MiB")
	machine:prints("swapon --noheadings", "")
	machine:prints("systemctl is-system-running --wait; systemctl --failed --no-legend", "running")
	machine:succeed("rsync --version")
end)
