-- SPDX-License-Identifier: MIT
-- slow
-- What everyday.test.lua has no time for: the second start, with users that stay the description's and with users that
-- the machine may change.
local anna = { isNormalUser = true, password = "one" }

machines.kept = {
	users = { mutableUsers = false, users = { anna = { isNormalUser = true, password = "one", extraGroups = { "wheel" } } } },
	security = { sudo = { enable = true, wheelNeedsPassword = false } },
	programs = { ["command-not-found"] = { enable = true } },
	boot = { tmp = { cleanOnBoot = true } },
	virtualisation = { emptyDiskImages = { { size = 64, serial = "data" } } },
	fileSystems = { ["/data"] = { device = "/dev/disk/by-id/virtio-data", fsType = "ext4", autoFormat = true } },
	swapDevices = { { device = "/data/swap", size = 16 } },
	services = { nginx = { enable = true, virtualHosts = { web = { addSSL = true } } } },
}
machines.mutable = {
	system = { init = "none" },
	users = { users = { anna = anna } },
}

-- The password that a user has now; who is not root must know it.
local function has_password(machine, user, password)
	local command = "echo %s | setpriv --reuid 65534 --regid 65534 --clear-groups su %s -c 'id -un' 2>/dev/null"
	local status, out = machine:execute(command:format(password, user))
	return status == 0 and out == user .. "\n"
end

-- Users are the description's again; what the machine made for itself is there; /tmp is on the disk, and empty.
test("users of the description, a kept disk", function()
	local made = { "stat -c %i /data/swap", "cat /var/lib/viv/nginx/*.key" }
	local before = {}
	for start = 1, 2 do
		subtest("start " .. start, function()
			kept:prints("systemctl is-system-running --wait", "running")
			t.is_true(has_password(kept, "anna", "one"))
			kept:prints("swapon --show=NAME --noheadings", "/data/swap")
			kept:prints("su anna -c 'sudo -n id -un'", "root")
			t.contains(kept:fail("bash -ic no-such-program 2>&1"), "command-not-found") -- asks for its database
			kept:fail("getent passwd eve")
			kept:fail("test -e /tmp/left")
			t.equal(kept:execute("test -e /var/left"), start == 1 and 1 or 0, "/var/left")
			for i, command in ipairs(made) do
				local is = kept:succeed(command)
				t.not_equal(is, "")
				t.equal(is, before[i] or is, command)
				before[i] = is
			end
		end)
		if start == 1 then
			kept:succeed("touch /tmp/left /var/left; useradd eve; echo anna:changed | chpasswd")
			kept:reboot()
		end
	end
end)

-- By default a kept disk keeps what the machine changes of them.
test("users of the machine", function()
	t.is_true(has_password(mutable, "anna", "one"))
	t.is_false(has_password(mutable, "anna", "changed"))
	mutable:succeed("groupadd makers; useradd -G makers eve; echo anna:changed | chpasswd")
	mutable:reboot()
	t.is_false(has_password(mutable, "anna", "one"))
	t.is_true(has_password(mutable, "anna", "changed"))
	mutable:prints("id -Gn eve", "eve makers")
end)
