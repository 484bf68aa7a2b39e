-- SPDX-License-Identifier: MIT
-- What a machine can have beside processor, memory, disks and networks, in one that has it all; its watchdog ends it.
-- devices.sh has what is wrong in such a description, and the screen.
machine = {
	system = { init = "none" },
	virtualisation = {
		sockets = 2,
		threads = 2,
		numa = { nodes = { { memorySize = "640M", cores = 2 }, {} } },
		watchdog = { enable = true },
		credentials = {
			short = { text = "one, two" },
			file = { source = "../data/tree/one" },
			["a-name.of-more-than.28-characters"] = { text = "long=1" },
		},
		cdrom = "../../README.md",
		tpm = { enable = true },
	},
}

test("devices", { needs = "swtpm" }, function()
	subtest("processors and memory", function()
		machine:prints("cd /sys/devices/system/node; cat online node0/cpulist node1/cpulist", "0-1\n0-1\n2-3")
		machine:prints("cd /sys/devices/system/cpu; cat cpu*/topology/physical_package_id | tr '\\n' ' '; " ..
			"cat cpu0/topology/thread_siblings_list", "0 0 1 1 0-1")
		local kb = machine:succeed("cat /sys/devices/system/node/node1/meminfo"):match("MemTotal: *(%d+) kB")
		t.is_true(tonumber(kb) < 400 * 1024, "the second node's part is what the first leaves")
	end)

	subtest("credentials", function()
		machine:prints("cd /sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials; cat short/raw; echo; cat file/raw",
			"one, two\none")
		t.contains(machine:succeed("cat /sys/firmware/dmi/entries/11-0/raw"),
			"io.systemd.credential:a-name.of-more-than.28-characters=long=1\0")
	end)

	subtest("a CD-ROM, a TPM", function()
		machine:prints("head -n 1 /dev/sr0", "# Vivarium")
		machine:prints("cat /sys/class/tpm/tpm0/tpm_version_major", "2")
	end)

	subtest("root may say that it is up, any number of times; others may not", function()
		machine:succeed("/run/viv/agent --booted && /run/viv/agent --booted")
		t.equal(machine:fail("setpriv --reuid 65534 /run/viv/agent --booted 2>&1"),
			"viv-agent: cannot tell the agent: Permission denied\n")
	end)

	subtest("a watchdog that nobody resets", function()
		t.raises(function() machine:succeed("wdctl -s 2; echo >/dev/watchdog; exec sleep 600") end, "its watchdog expired")
	end)
end)
