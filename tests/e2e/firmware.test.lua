-- SPDX-License-Identifier: MIT
-- slow
-- What a machine's firmware and TPM know they know after a reboot. secure-boot.sh has disks that are kept.
machine = {
	system = { init = "none" },
	environment = { systemPackages = { "tpm2-tools" } },
	virtualisation = { useEFIBoot = true, tpm = { enable = true } },
}

local variable = "/sys/firmware/efi/efivars/vivarium-11111111-2222-3333-4444-555555555555"

test("reboot", { needs = { "swtpm", "/usr/share/OVMF/OVMF_CODE_4M.fd" } }, function()
	machine:fail("test -e " .. variable)
	machine:succeed("printf '\\7\\0\\0\\0kept' >" .. variable)
	machine:succeed("tpm2_nvdefine -C o -s 7 0x1500016", "echo sealed | tpm2_nvwrite -C o -i - 0x1500016")
	machine:reboot()
	machine:prints("tail -c 4 " .. variable, "kept")
	machine:prints("tpm2_nvread -C o 0x1500016", "sealed")
end)
