-- SPDX-License-Identifier: MIT
-- examples/kernel-vm/vm.lua, the whole of it: each line does what it says. And it crashes.
machines.vm = "../../../examples/kernel-vm/vm.lua"
-- Smaller than it says, so that it fits beside other tests.
machines["*"].virtualisation = { memorySize = mkForce(1536), cores = mkForce(2) }

test("each line", function()
	subtest("boot", function()
		vm:fail("uname -r | grep cloud")
		t.contains(vm:succeed("cat /proc/cmdline"), "console=ttyS0,115200n8 console=ttyS0")
		vm:prints("cut -f1 /proc/sys/kernel/printk", "7")
		vm:prints("dmesg | grep -o 'Not much to do before systemd :)\\|systemd.1.: Detected virtualization\\|This service runs right near login'",
			"Not much to do before systemd :)\nsystemd[1]: Detected virtualization\nThis service runs right near login")
		local foo = vm:get_unit_info("foo")
		t.equal(foo.Type .. " " .. foo.Result, "oneshot success")
		vm:prints("cat /sys/kernel/kexec_crash_loaded", "1")
	end)

	subtest("users, the console", function()
		vm:prints("getent shadow root | cut -d: -f2", "\n")
		t.contains(vm:get_unit_info("serial-getty@ttyS0").ExecStart, "--autologin root")
		vm:prints("cat /etc/issue.d/viv-help.issue", [[
Log in as "root" with an empty password.
If you are connect via serial console:
Type CTRL-A X to exit QEMU

]])
		vm:prints("getent passwd paul | cut -d: -f5-6", "Test user:/home/paul")
		vm:prints("env -i TERM= sh -c 'set -a; . /etc/environment; echo $TERM'", "xterm")
	end)

	subtest("the network", function()
		vm:prints("hostname", "vm")
		vm:fail("systemctl is-enabled nftables")
		vm:fail("test -e /etc/nftables.conf")
		for _, unit in ipairs { "systemd-networkd", "dhcpcd" } do
			vm:fail("systemctl is-active " .. unit)
		end
	end)

	subtest("what is not there", function()
		vm:prints("find /usr/share/man /usr/share/info -name '*[a-z].[1-9]*'", "")
		vm:prints("find /usr/share/doc -type f ! -name copyright", "")
		for _, path in ipairs { "/usr/share/bash-completion/bash_completion", "/etc/profile.d/bash_completion.sh" } do
			vm:fail("test -e " .. path)
		end
		vm:fail("command -v command-not-found")
	end)

	subtest("disks", function()
		local size = tonumber(vm:succeed("df -m --output=size / | tail -n 1"))
		t.is_true(size > 19000, "the disk has " .. size .. " MiB")
		vm:prints("lsblk -dno SIZE /dev/disk/by-id/virtio-empty0 /dev/disk/by-id/virtio-empty1 | tr -d ' '", "8G\n4G")
	end)

	subtest("packages", function()
		local packages = "htop util-linux xfstests vim tmux fsverity trace-cmd perf-tools-unstable linux-perf openssl"
		vm:prints("dpkg-query -W -f '${db:Status-Abbrev}' " .. packages, ("ii "):rep(10))
		t.contains(vm:succeed("perf --version"), "perf version 6")
		t.contains(vm:succeed("xfstests-check /dev/disk/by-id/virtio-empty1"):gsub("%s+", " "),
			"page size 4096 passed on /dev/disk/by-id/virtio-empty1")
	end)

	-- The dump is among the results: kernel-vm.sh looks into it.
	subtest("it crashes", function()
		vm:expect_crash("panic", function() vm:succeed("echo c >/proc/sysrq-trigger") end)
		vm:wait_for_shutdown()
	end)
end)
