-- SPDX-License-Identifier: MIT
-- slow
-- Units before the end of the boot, and a user's own.

machine.users.users.paul = { isNormalUser = true }
machine.environment.systemPackages = { "libpam-systemd" }
machine.environment.etc["systemd/user/hello.service"].text = "[Service]\nExecStart=/usr/bin/sleep inf\n"
machine.systemd.services.early = {
	script = "echo >/run/early",
	wantedBy = { "multi-user.target" },
	serviceConfig = { Type = "oneshot", RemainAfterExit = true },
}
-- The boot ends when the test lets it.
machine.systemd.services.gate = {
	script = "until [ -e /run/go ]; do sleep 0.2; done",
	wantedBy = { "multi-user.target" },
	before = { "multi-user.target" },
	serviceConfig = { Type = "oneshot", RemainAfterExit = true, TimeoutStartSec = "infinity" },
}
machine.systemd.services.never = { script = "true", wantedBy = { "multi-user.target" }, unitConfig = { ConditionPathExists = "/nowhere" } }

test("units", function()
	subtest("before the end of the boot", function()
		t.raises(function() machine:wait_for_unit("erly") end, "there is no unit erly (not-found)")
		machine:wait_for_unit("sysinit.target")
		machine:wait_for_unit("early")
		machine:succeed("test -e /run/early", { early = true })
		t.raises(function() machine:wait_for_unit("gate", { timeout = 2 }) end, "not within 2 s: unit gate")
		machine:succeed("touch /run/go", { early = true })
		machine:wait_for_unit("gate")
		machine:wait_for_unit("multi-user.target")
		t.raises(function() machine:wait_for_unit("never") end, "unit never is inactive, and nothing is under way")
	end)
	subtest("a user's", function()
		t.raises(function() machine:wait_for_unit("default.target", "paul") end, "no systemd runs for paul")
		machine:succeed("loginctl enable-linger paul")
		machine:wait_for_unit("default.target", "paul")
		machine:require_unit_state("hello", "inactive", "paul")
		t.raises(function() machine:wait_for_unit("hello", "paul") end, "unit hello of paul is inactive, and nothing is under way")
		t.equal(machine:start_job("hello", "paul"), 0)
		machine:wait_for_unit("hello", { user = "paul" })
		t.equal(machine:get_unit_info("hello", "paul").ActiveState, "active")
		t.equal(select(2, machine:systemctl("is-active hello", "paul")), "active\n")
		t.raises(function() machine:wait_for_unit("hello") end, "there is no unit hello (not-found)")
		t.equal(machine:stop_job("hello", "paul"), 0)
		t.raises(function() machine:require_unit_state("hello", "active", "paul") end, "is inactive, and must be active")
		machine:succeed("loginctl disable-linger paul; systemctl stop user@$(id -u paul)")
		t.raises(function() machine:wait_for_unit("hello", "paul") end, "no systemd runs for paul")
	end)
end)
