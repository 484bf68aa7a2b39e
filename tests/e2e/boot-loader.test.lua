-- SPDX-License-Identifier: MIT
-- slow
-- Machines that start as hardware does: BIOS or UEFI, a boot loader that hands the parameters over, kernel.
-- boot-loader.sh has the disks, and what can't be had; secure-boot.sh what is signed.
machines["*"].system.init = "none"
machines["*"].virtualisation.useBootLoader = true
machines.bios.boot.kernelParams = { "one=1" }
machines.grub.virtualisation.useEFIBoot = true
machines["systemd-boot"].virtualisation.useEFIBoot = true
machines["systemd-boot"].boot = { kernelParams = { "two=2" }, loader = { ["systemd-boot"] = { enable = true } } }

local function parameters(machine)
	return machine:succeed("cat /proc/cmdline")
end

test("BIOS", { needs = { "sfdisk", "mkfs.fat", "mcopy" } }, function()
	t.is_true(parameters(bios):find("^BOOT_IMAGE=.* one=1\n$"), "GRUB's parameters: " .. parameters(bios))
	bios:fail("test -e /sys/firmware/efi")
end)

test("UEFI", { needs = { "sfdisk", "mkfs.fat", "mcopy", "/usr/share/OVMF/OVMF_CODE_4M.fd" } }, function()
	t.contains(parameters(grub), "BOOT_IMAGE=")
	grub:succeed("test -d /sys/firmware/efi")
	-- with an entry of the Boot Loader Specification
	t.is_true(parameters(systemd_boot):find("^initrd=.*boot.initrd .* two=2\n$"), "systemd-boot's: " .. parameters(systemd_boot))
	t.contains(systemd_boot:succeed("cat /sys/firmware/efi/efivars/LoaderInfo-* | tr -d '\\0'"), "systemd-boot")
end)
