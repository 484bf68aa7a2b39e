-- SPDX-License-Identifier: MIT
-- slow
-- The older release as a guest: systemd, and without an init system.
local init = matrix("init", { "systemd", "none" })

machine.packages.release = "bookworm"
machine.system.init = init
machine.users.users.paul = { isNormalUser = true, initialPassword = "x" }
if init == "systemd" then
	machine.systemd.services.foo = {
		script = "echo ran >/run/foo", serviceConfig = { Type = "oneshot" }, wantedBy = { "multi-user.target" },
	}
end

test("bookworm", function()
	t.contains(machine:succeed("cat /etc/os-release"), "VERSION_CODENAME=bookworm\n")
	machine:prints("dpkg -V", "")
	if init == "none" then
		machine:fail("test -e /run/systemd")
		return
	end
	machine:succeed("test -L /bin") -- hard links of packages name files below it
	machine:succeed("test /bin/uncompress -ef /usr/bin/gunzip")
	machine:succeed("dpkg-query -s usr-is-merged") -- and not usrmerge, which takes perl along
	machine:fail("test -e /var/lib/dpkg/info/usrmerge.list")
	machine:prints("cat /run/foo", "ran")
	machine:prints("systemctl --failed --quiet", "")
	machine:prints("su -c 'id -un' paul", "paul")
end)
