-- SPDX-License-Identifier: MIT
-- slow
-- What people describe, on runit and a real root; packages without documentation; the second start.
local web = { addSSL = true, locations = { ["/"] = { ["return"] = "200 hello" } } }

machine = {
	system = { init = "runit" },
	users = { mutableUsers = false, users = { anna = { isNormalUser = true, extraGroups = { "wheel" } } } },
	i18n = { defaultLocale = "C.UTF-8" },
	boot = { sysctl = { ["vm.swappiness"] = 7 } },
	documentation = { man = { enable = false }, doc = { enable = false } },
	networking = { firewall = { enable = true, allowedTCPPorts = { 80 } } },
	services = {
		nginx = { enable = true, virtualHosts = { web = web } },
		openssh = { enable = true, settings = { AllowUsers = { "root", "anna" } } },
	},
	swapDevices = { { device = "/var/swap", size = 8 }, { device = "/dev/disk/by-label/hardware" } },
	zramSwap = { enable = true },
	virtualisation = { rootFileSystem = "ext4" },
}

local function says(command, wanted)
	t.equal(machine:succeed(command, { shell = "bash" }), wanted, command)
end

test("runit", function()
	for start = 1, 2 do
		subtest("start " .. start, function()
			says("cat /proc/sys/vm/swappiness; echo $LANG; id -Gn anna", "7\nC.UTF-8\nanna wheel\n")
			says("nft list chain inet viv input | grep dport | grep -v 546", "\t\ttcp dport { 22, 80 } accept\n")
			says("swapon --show=NAME --noheadings | sort", "/dev/zram0\n/var/swap\n")
			for _, port in ipairs { 443, 22, 80 } do
				machine:wait_for_open_port(port)
			end
			says("exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3", "hello")
			says("find /usr/share/man /usr/share/doc -type f ! -name copyright | wc -l", "0\n")
			machine:succeed("test -e /usr/share/doc/nginx/copyright")
			says("sshd -T 2>/dev/null | grep ^allowusers", "allowusers root\nallowusers anna\n")
			says("exec 3<>/dev/tcp/127.0.0.1/22; head -c 7 <&3", "SSH-2.0")
			machine:fail("grep eve /etc/passwd")
			says("stat -c '%a %U:%G' /etc/group /etc/shadow", "644 root:root\n640 root:shadow\n")
		end)
		if start == 1 then
			machine:succeed("echo eve:x:2000:2000::/:/bin/sh >>/etc/passwd; chmod 600 /etc/group")
			machine:reboot()
		end
	end
end)
