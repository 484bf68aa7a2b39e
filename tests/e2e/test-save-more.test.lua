-- SPDX-License-Identifier: MIT
-- slow
-- States of machines with all that a machine can have beside disks and networks (test-save.test.lua); their clocks; what QEMU can't save.
machines["*"].virtualisation.exchangeFolders = false
machines.full = {
	system = { init = "none" },
	boot = { kernelModules = { "bochs", "virtio_gpu" } },
	environment = { systemPackages = { "tpm2-tools" } },
	virtualisation = {
		cores = 2,
		memorySize = 768,
		useEFIBoot = true,
		graphics = true,
		tpm = { enable = true },
		watchdog = { enable = true },
		credentials = { short = { text = "one, two" } },
		cdrom = "../../README.md",
		qemu = { options = { "-device", "virtio-gpu-pci" } },
	},
}
machines.small = { imports = { "profiles/minimal" }, virtualisation = { memorySize = 256, cores = 2, textScreen = true } }
machines.odd = {
	imports = { "profiles/minimal" },
	virtualisation = {
		memorySize = 256,
		qemu = { options = { "-device", "qemu-xhci,id=odd", "-device", "usb-wacom-tablet,bus=odd.0" } },
	},
}

local function variable(name)
	return "/sys/firmware/efi/efivars/" .. name .. "-11111111-2222-3333-4444-555555555555"
end
local function set(name)
	full:succeed("printf '\\7\\0\\0\\0kept' >" .. variable(name))
end
local function number(machine, command)
	return tonumber(machine:succeed(command):match("[%d.]+"))
end

test("a machine that has it all", { needs = { "swtpm", "/usr/share/OVMF/OVMF_CODE_4M.fd" } }, function()
	local extend = "tpm2_pcrextend 16:sha256=" .. ("0"):rep(63) .. "1"
	local pcr

	local function is_as_saved()
		t.equal(full:succeed("tail -c 4 " .. variable("first")), "kept")
		full:fail("test -e " .. variable("second"))
		t.equal(full:succeed("tpm2_nvread -C o 0x1500016"), "sealed\n")
		t.equal(full:succeed("tpm2_pcrread sha256:16"), pcr)
		t.equal(full:succeed("nproc; cat /sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/short/raw"), "2\none, two")
		full:succeed("echo 0 >/sys/devices/system/cpu/cpu1/online; echo 1 >/sys/devices/system/cpu/cpu1/online")
		t.equal(full:succeed("head -n 1 /dev/sr0; ls /dev/dri | grep card"), "# Vivarium\ncard0\ncard1\n")
	end

	set("first")
	full:succeed("tpm2_nvdefine -C o -s 7 0x1500016", "echo sealed | tpm2_nvwrite -C o -i - 0x1500016", extend)
	pcr = full:succeed("tpm2_pcrread sha256:16")
	full:succeed("echo written before >/dev/tty0")
	full:save("up")
	set("second")
	full:succeed("tpm2_nvundefine -C o 0x1500016", extend)
	full:restore("up")
	is_as_saved()
	full:wait_for_text("written before")
	full:succeed("(read line </dev/tty1; echo $line >/run/typed) >/dev/null 2>&1 &")
	full:send_chars("typed\n")
	full:wait_for_file("/run/typed")

	-- What firmware and TPM know has gone back, too.
	full:reboot()
	t.equal(full:succeed("tail -c 4 " .. variable("first")), "kept")
	full:fail("test -e " .. variable("second"))
	t.equal(full:succeed("tpm2_nvread -C o 0x1500016"), "sealed\n")
	full:crash()
	full:restore("up")
	is_as_saved()
end)

test("clocks", function()
	local begun = number(small, "cat /proc/uptime")
	local now = number(small, "date +%s")

	-- What waits for a time goes on to wait, for no less and no more.
	small:succeed("(sleep 3; cat /proc/uptime >/run/fired) >/dev/null 2>&1 &")
	small:save("up")
	small:wait_for_file("/run/fired")
	small:sleep(2)
	small:restore("up")
	small:fail("test -e /run/fired")
	t.is_true(number(small, "cat /proc/uptime") >= begun)
	t.is_true(number(small, "date +%s") >= now + 5, "the clock is not from then")
	small:wait_for_file("/run/fired")
	t.is_true(number(small, "cat /run/fired") >= begun + 2.98, "its timer fired early")

	-- One that is ahead does not go back.
	small:succeed("date -s '2040-01-01 00:00:00'")
	small:succeed([[(
		last=0
		while now=$(date +%s); [ $now -ge $last ]; do last=$now; sleep 0.02; done
		touch /run/back) >/dev/null 2>&1 &]])
	small:save("ahead")
	t.equal(small:succeed("date +%Y-%m-%d"), "2040-01-01\n")
	small:restore("ahead")
	t.equal(small:succeed("date +%Y-%m-%d"), "2040-01-01\n")
	small:fail("test -e /run/back")
	small:restore("up")
	t.is_true(number(small, "date +%Y") < 2040)
	small:shutdown()
end)

test("what QEMU can't save", function()
	for _, part in ipairs { "it can't be saved: QEMU: non-migratable device: 0000:00:", "leave that out of virtualisation.qemu.options" } do
		t.raises(function() odd:save("up") end, part)
	end
	odd:succeed("true")
	odd:shutdown()
end)
