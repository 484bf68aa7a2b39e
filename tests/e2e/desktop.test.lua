-- SPDX-License-Identifier: MIT
-- slow
-- An X server with a window manager and a user's session: windows that come, change and go, typing, the mouse, a picture.
machine.virtualisation.graphics = true
machine.users.users.paul.isNormalUser = true
machine.services.displayManager.autoLogin.user = "paul"
-- No size that the monitor offers: the mode is our own.
machine.services.xserver = {
	enable = true,
	resolutions = { { x = 1000, y = 700 }, { x = 800, y = 600 } },
	displayManager = { sessionCommands = "id -un >/tmp/session\nxterm -T begun -geometry 40x5-0-0 -e sh &" },
	windowManager = { evilwm = { enable = true, command = "evilwm -fn fixed" } },
}
machine.environment.systemPackages = { "xterm", "x11-xserver-utils" }

local function starts(command, user)
	machine:succeed("DISPLAY=:0 " .. command .. " >/dev/null 2>&1 &", { user = user })
end

-- The kernel keeps 64 events for a server that is busy, and after more it forgets them all.
local function types(text)
	machine:send_chars(text, { delay = 0.1 })
end

-- Width and height, as they stand in a PNG.
local function size_of(picture)
	machine:copy_from_host(picture, "/tmp/picture.png")
	local size = machine:succeed("od -An -tu1 -j16 -N8 /tmp/picture.png")
	local w1, w2, h1, h2 = size:match("0 +0 +(%d+) +(%d+) +0 +0 +(%d+) +(%d+)")
	return ("%dx%d"):format(w1 * 256 + w2, h1 * 256 + h2)
end

local on = matrix("on", { "systemd", "runit", "bookworm" })
if on == "runit" then machine.system.init = "runit" end
if on == "bookworm" then machine.packages.release = "bookworm" end

test("desktop", { timeout = "40m" }, function()
	subtest("a session", function()
		machine:wait_for_x()
		machine:wait_for_unit("display-manager")
		t.equal(machine:wait_for_window("^beg"), "begun")
		machine:prints("cat /tmp/session", "paul")
	end)

	subtest("windows come, and are called otherwise", function()
		starts("xterm -T second -fn 10x20 -geometry 60x12+0+0 -e sh -c 'echo >/tmp/ready; exec sh'", "paul")
		t.equal(machine:wait_for_window("sec.*d$"), "second")
		machine:wait_for_file("/tmp/ready")
		machine:mouse({ x = 200, y = 100, button = "left" })
		types("printf '\\033]0;renamed\\007'\n")
		t.equal(machine:wait_for_window("renamed"), "renamed")
	end)

	subtest("what is typed reaches the window under the pointer", function()
		types("echo typed >/tmp/typed; clear; echo SHOWN BY XTERM\n")
		machine:wait_for_file("/tmp/typed")
		machine:wait_for_text("SHOWN BY XTERM")
	end)

	-- It goes with what it runs.
	subtest("root may use it, too", function()
		machine:succeed("mkfifo /tmp/end")
		starts("xterm -T of-root -geometry 20x5+0-0 -e sh -c 'read line </tmp/end'")
		machine:wait_for_window("of-root")
		machine:succeed("echo >/tmp/end")
		retry(function() return #machine:get_window_names() == 2 end, { timeout = 120 })
	end)

	subtest("a window that is not there", function()
		local said = t.raises(function() machine:wait_for_window("remaned", { timeout = 2 }) end, ": window \"remaned\" (shown: ")
		t.contains(said, "\"renamed\"")
		t.contains(said, "not within ")
	end)

	subtest("resolutions", function()
		t.equal(size_of(machine:screenshot("desktop")), "1000x700")
		machine:succeed("DISPLAY=:0 xrandr --output Virtual-1 --mode 800x600")
		t.equal(size_of(machine:screenshot("smaller")), "800x600")
	end)

	subtest("without a server", function()
		machine:stop_job("display-manager")
		for _, wait in ipairs({ function() machine:wait_for_x() end, function() machine:wait_for_window("any") end }) do
			t.raises(wait, "there is no X server: display-manager.service is inactive")
		end
	end)
end)
