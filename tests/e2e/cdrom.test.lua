-- SPDX-License-Identifier: MIT
-- A machine that starts from an ISO: nothing is built for it; its console and its screen show what it does, and are all
-- that a test has of it. The blank disk before it in the order is passed over. cdrom.sh has `viv run`.
local iso = "/usr/lib/grub-rescue/grub-rescue-cdrom.iso"

machine.virtualisation = { cdrom = iso, directBoot = { enable = false } }

test("cdrom", { needs = iso }, function()
	t.raises(function() machine:succeed("true") end, "it starts from its own disk or CD-ROM and has no agent")
	t.is_false(machine:is_up(), "it was started for that")
	machine:start()
	machine:wait_for_console_text("executed automatically")
	machine:wait_for_text("GNU GRUB")
	machine:screenshot("menu")
end)
