-- SPDX-License-Identifier: MIT
-- slow
-- What people describe, on runit and a real root; packages without documentation; the second start.
local web = { addSSL = true, locations = { ["/"] = { ["return"] = "200 hello" } } }

machine = {
	system = { init = "runit" },
	users = { mutableUsers = false, users = { anna = { isNormalUser = true, extraGroups = { "wheel" } } } },
	security = { sudo = { enable = true, wheelNeedsPassword = false }, pki = { certificateFiles = { "../data/pki/ca.pem" } } },
	i18n = { defaultLocale = "C.UTF-8" },
	time = { timeZone = "Asia/Tokyo" },
	boot = { sysctl = { ["vm.swappiness"] = 7 } },
	documentation = { man = { enable = false }, info = { enable = false }, doc = { enable = false } },
	networking = {
		firewall = { enable = true, allowedTCPPorts = { 80 } },
		interfaces = { eth1 = { ipv4 = { addresses = { { address = "192.168.7.2", prefixLength = 24 } } } } },
	},
	services = {
		cron = { systemCronJobs = { "@reboot root touch /run/cron" } },
		nginx = { enable = true, virtualHosts = { web = web } },
		openssh = { enable = true, settings = { AllowUsers = { "root", "anna" } } },
	},
	swapDevices = { { device = "/var/swap", size = 8 }, { device = "/dev/disk/by-label/hardware" } },
	zramSwap = { enable = true },
	virtualisation = { rootFileSystem = "ext4", credentials = { token = { text = "secret" } } },
}

test("runit", function()
	for start = 1, 2 do
		subtest("start " .. start, function()
			machine:prints("cat /proc/sys/vm/swappiness; echo $LANG; id -Gn anna", "7\nC.UTF-8\nanna wheel")
			machine:prints("date +%Z; su anna -c 'sudo -n id -un'", "JST\nroot")
			machine:prints("ip -br -4 address show eth1 | tr -s ' '", "eth1 UP 192.168.7.2/24 ")
			machine:prints("openssl verify -CApath /etc/ssl/certs /usr/local/share/ca-certificates/viv-1.crt",
				"/usr/local/share/ca-certificates/viv-1.crt: OK")
			machine:prints("cat /sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/token/raw", "secret")
			machine:wait_for_file("/run/cron")
			machine:prints("nft list chain inet viv input | grep dport | grep -v 546", "\t\ttcp dport { 22, 80 } accept")
			machine:prints("swapon --show=NAME --noheadings | sort", "/dev/zram0\n/var/swap")
			for _, port in ipairs { 443, 22, 80 } do
				machine:wait_for_open_port(port)
			end
			machine:prints("exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3", "hello",
				{ shell = "bash" })
			machine:prints("find /usr/share/man /usr/share/doc /usr/share/info -type f ! -name copyright ! -name dir | wc -l", "0")
			machine:succeed("test -e /usr/share/doc/nginx/copyright")
			machine:prints("sshd -T 2>/dev/null | grep ^allowusers", "allowusers root\nallowusers anna")
			machine:prints("exec 3<>/dev/tcp/127.0.0.1/22; head -c 7 <&3", "SSH-2.0", { shell = "bash" })
			machine:fail("grep eve /etc/passwd")
			machine:prints("stat -c '%a %U:%G' /etc/group /etc/shadow", "644 root:root\n640 root:shadow")
		end)
		if start == 1 then
			machine:succeed("echo eve:x:2000:2000::/:/bin/sh >>/etc/passwd; chmod 600 /etc/group")
			machine:reboot()
		end
	end
end)
