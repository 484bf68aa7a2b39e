-- SPDX-License-Identifier: MIT
-- A test's machine seen and typed at: its screen, its keyboard, QEMU's monitor, terminals.
machines["*"].imports = { "profiles/minimal" }
machines.machine.virtualisation.textScreen = true
machines.none.virtualisation.memorySize = 256

-- What has no key, no button, no file.
local function misuse()
	t.raises(function() machine:send_key("ctrl-") end, "a key's name is missing")
	t.raises(function() machine:send_key("nokey") end, "does not accept value 'nokey'")
	t.raises(function() machine:send_chars("a\1") end, "no key has character 2")
	t.raises(function() machine:mouse({ x = 1, y = 1 }) end, "it has no pointer")
	t.raises(function() machine:mouse({ z = 1 }) end, "mouse: there is no z")
	t.raises(function() machine:screenshot("../x") end, "is no plain name")
	t.raises(function() machine:qmp("nothing") end, "QEMU: nothing")
	t.raises(function() machine:get_tty_text("x") end, "not a virtual terminal")
	t.raises(function() machine:spawn("true").send("x") end, "did you mean process:send(text)?")
	t.raises(function() machine:spawn("true"):sent("x") end, "a process has no method sent (did you mean send?)")
end

test("screen", function()
	subtest("one without a screen is not even started for it", function()
		t.raises(function() none:get_screen_text() end, "none: it has no screen: set virtualisation.textScreen = true")
		t.is_false(none:is_up())
	end)

	subtest("typed at, read and kept as a picture", function()
		machine:wait_for_text("^~ #", { timeout = 120 })
		machine:send_chars("echo A-$((6*7)) '~!@#$%^&*()_+`-=[]{};:\\|,.<>/?\"QWzx'\n")
		machine:wait_for_text("A-[4]2", { timeout = 60 })
		t.equal(machine:get_screen_text():match("\nA%-42 ([^\n]*)\n"), "~!@#$%^&*()_+`-=[]{};:\\|,.<>/?\"QWzx")
		local picture = machine:screenshot("shell")
		t.equal(picture:match("[^/]*$"), "shell.png")
		machine:copy_from_host(picture, "/run/shell.png")
		machine:prints("head -c 8 /run/shell.png", "\137PNG\r\n\26")
	end)

	subtest("a virtual terminal", function()
		machine:send_chars("echo B-$((6*7))\n")
		machine:wait_until_tty_matches("1", "^B-42", { timeout = 60 })
		t.equal(machine:get_tty_text("tty1"):match("\nB%-42\n"), "\nB-42\n")
	end)

	subtest("commands on terminals of their own", function()
		local p = machine:spawn("echo -n 'name? '; read n; echo hello $n; stty size; read x; exit 3", { columns = 132 })
		p:expect("name%? $")
		p:send("World\n")
		t.equal(p:expect("hello (%w+)\n"), "World")
		local rows, columns = p:expect("(%d+) (%d+)")
		t.equal(rows .. "x" .. columns, "24x132")
		p:send("\n")
		t.equal(p:wait(), 3)
		local q = machine:spawn("sleep 1000")
		q:close()
		t.equal(q:wait(), 129)
	end)

	subtest("what can't be", misuse)

	subtest("QEMU's monitor and its events", function()
		t.equal(machine:send_monitor_command("info status"), "VM status: running\n")
		t.equal(machine:qmp("query-status").status, "running")
		machine:qmp("stop")
		machine:qmp("cont")
		t.equal(machine:wait_for_qmp_event("STOP", { timeout = 60 }).event, "STOP")
		machine:wait_for_qmp_event(function(e) return e.event == "RESUME" end, { timeout = 60 })
		machine:send_key("ctrl-alt-delete")
		local e = machine:wait_for_qmp_event({ event = "SHUTDOWN", data = { guest = true } }, { timeout = 60 })
		t.equal(e.data.reason, "guest-reset")
	end)
end)
