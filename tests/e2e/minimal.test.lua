-- SPDX-License-Identifier: MIT
-- A minimal root with more packages than its own, under viv. minimal.sh has what can't be had, its size, and the files
-- that QEMU boots without viv.
machine = {
	imports = { "profiles/minimal" },
	environment = { systemPackages = { "less", "kmod", "at" } },
	networking = { firewall = { enable = true, extraInputRules = "limit rate 10/second counter accept" } },
	zramSwap = { enable = true },
	virtualisation = { memorySize = 256, sharedDirectories = { pki = { source = "../data/pki", target = "/mnt/pki" } } },
	security = { sudo = { enable = true } },
	users = { users = { paul = { isNormalUser = true, password = "secret", extraGroups = { "wheel" } } } },
}

test("minimal", { needs = { "gensquashfs" } }, function()
	subtest("it is viv's machine", function()
		machine:prints("uname -s; cat /proc/1/comm; df / | tail -n 1 | cut -c1-3", "Linux\nrunit\nviv")
		machine:succeed("ls /mnt/pki/ca.pem")
	end)
	subtest("packages instead of busybox's programs, with their modes", function()
		machine:prints("readlink /usr/bin/less || echo file; readlink /usr/bin/more", "file\nbusybox")
		machine:prints("stat -c '%a %U' /usr/bin/at /var/spool/cron/atjobs", "755 root\n1770 root")
		machine:prints("stat -c '%a %U %G' /usr/bin/sudo /usr/sbin/unix_chkpwd", "4755 root root\n2755 root shadow")
	end)
	subtest("sudo", function()
		local sudo = "chpst -u paul:paul:wheel sudo -S id -u"
		t.equal(machine:fail(sudo, { input = "wrong\n" }), "")
		machine:prints(sudo, "0", { input = "secret\n" })
	end)
	subtest("the firewall, swap", function()
		machine:prints("nft list ruleset | grep -c 'policy drop'", "1")
		machine:prints("cut -d ' ' -f 1 /proc/swaps | sed -n '2s/[0-9].*//p'", "/dev/zram")
	end)
end)
