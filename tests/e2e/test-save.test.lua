-- SPDX-License-Identifier: MIT
-- slow
-- States of machines: saved, gone back to from whatever has come of the machine, disks and networks included.
machines["*"].imports = { "profiles/minimal" }
machines["*"].virtualisation.memorySize = 256
machines.one.virtualisation.exchangeFolders = false
machines.one.virtualisation.diskImage = "fresh"
machines.one.virtualisation.diskSize = 64
machines.one.virtualisation.emptyDiskImages = {
	{ size = 16, serial = "grows", format = "qcow2" }, { size = 16, serial = "plain", interface = "scsi" },
}
machines.one.runit.services.counts.run = "i=0; while :; do i=$((i + 1)); echo $i >/run/count; sleep 0.2; done"
machines.other.runit.services.listens.run = "exec nc -ll -p 80 -e echo other"

local function number(command)
	return tonumber(one:succeed(command))
end

-- A mark on each disk: in a file of the root's, and on the blank ones.
local function mark(text)
	one:succeed(("echo %s >/root/mark; for d in grows plain; do echo %s | dd of=$(readlink -f /dev/disk/by-id/*$d) bs=512 conv=sync,notrunc; done; sync")
		:format(text, text))
end
local function marks()
	return one:succeed([[
		echo 3 >/proc/sys/vm/drop_caches
		cat /root/mark
		for d in grows plain; do head -n 1 $(readlink -f /dev/disk/by-id/*$d); done]])
end

local function works()
	t.equal(one:execute("exit 3"), 3)
	one:succeed("(sleep 0.3; touch /run/come) >/dev/null 2>&1 &")
	one:wait_for_file("/run/come", { timeout = 60 })
	one:succeed("rm /run/come; (sleep 0.2; echo console is here >/dev/console) >/dev/null 2>&1 &")
	one:wait_for_console_text("console is here", { timeout = 60 })
	local cat = one:spawn("cat")
	cat:send("words\n")
	cat:expect("words.*words")
	cat:close()
	cat:wait()
	t.equal(#one:succeed("cat", { input = ("x"):rep(300000) }), 300000)
	one:copy_from_host("./test-save.test.lua", "/run/copy")
	t.contains(one:succeed("head -n 1 /run/copy; rm /run/copy"), "SPDX")
end

test("states", function()
	subtest("saved, the machine goes on", function()
		mark("first")
		one:save("first")
		one:save("first") -- a name can be used again
		works()
		mark("second")
		t.equal(marks(), "second\nsecond\nsecond\n")
		one:save("second")
	end)

	subtest("gone back to", function()
		local count, clock = number("cat /run/count"), number("date +%s")

		one:succeed("rm -rf /usr/bin/wc /root; echo gone >/run/more")
		one:sleep(1.5)
		one:restore("first")
		t.equal(marks(), "first\nfirst\nfirst\n")
		one:succeed("test ! -e /run/more; echo x | wc -l")
		t.is_true(number("cat /run/count") <= count, "its service has counted less")
		t.is_true(number("date +%s") > clock, "its clock is not from then")
		works()
		one:restore("second")
		t.equal(marks(), "second\nsecond\nsecond\n")
	end)

	subtest("from off, cut off, panicked", function()
		one:shutdown()
		one:restore("first")
		t.equal(marks(), "first\nfirst\nfirst\n")
		mark("third")
		one:crash()
		one:restore("first")
		t.equal(marks(), "first\nfirst\nfirst\n")
		one:expect_crash("panic", function()
			one:succeed("echo c >/proc/sysrq-trigger")
		end)
		one:restore("first")
		works()
	end)

	subtest("boots from the disks that it went back to", function()
		one:succeed("touch /root/from-first")
		one:reboot()
		t.equal(marks(), "first\nfirst\nfirst\n")
		one:succeed("test -e /root/from-first")
		one:restore("second")
		t.equal(marks(), "second\nsecond\nsecond\n")
		one:fail("test -e /root/from-first")
	end)

	subtest("what is refused, and harms nothing", function()
		t.raises(function() one:restore("secnd") end, 'no state "secnd" is saved (did you mean second?)')
		t.raises(function() one:save("") end, "1 to 64 characters")
		t.raises(function() one:save(("x"):rep(65)) end, "1 to 64 characters")
		t.raises(function() one:save() end, "one:save(name, {timeout}): argument 1 is missing")
		local sleeps = one:spawn("sleep 1000")
		t.raises(function() one:save("third") end, "while what was spawned in it runs: sleep 1000")
		sleeps:close()
		sleeps:wait()
		one:qmp("stop")
		t.raises(function() one:save("third") end, "QEMU says that it is paused, not running")
		one:qmp("cont")
		works()
		local saved = false
		for _, seconds in ipairs { 0.001, 0.01, 0.03, 0.1, 0.3 } do -- cut off wherever it is by then
			local ok, why = pcall(one.save, one, "late", { timeout = seconds })

			saved = saved or ok
			t.contains(ok and "within " or tostring(why), "within ")
			one:succeed("true")
		end
		if not saved then
			t.raises(function() one:restore("late") end, 'no state "late" is saved')
		end
		one:save("third")
		one:restore("third")
		works()
	end)
	one:shutdown()
end)

test("on a network", function()
	start_all()
	other:wait_for_open_port(80, { timeout = 120 })
	local address = one:succeed("ip -4 -o addr show eth1")

	one:prints("nc other 80 </dev/null", "other")
	t.raises(function() other:restore("x") end, "no state of it is saved")
	t.raises(function() other:save("x") end, 'Write into the test file: machines["other"].virtualisation.exchangeFolders = false')
	one:save("up")
	one:set_link({ delay = "1ms" })
	one:restore("up")
	one:prints("ip -4 -o addr show eth1", address)
	one:prints("nc other 80 </dev/null", "other")
	other:succeed("ping -c 1 -W 20 one")
	-- Others may have started meanwhile.
	one:shutdown()
	other:reboot()
	one:restore("up")
	one:prints("ip -4 -o addr show eth1", address)
	other:succeed("ping -c 1 -W 20 one")
end)
