-- SPDX-License-Identifier: MIT
-- Methods of machines: units, waits, files, networks. Two machines, one with systemd and one with runit, each boots
-- once; what is not even started for a call that can't be is the third.

machines["web-1"].services.nginx.enable = true
machines["web-1"].systemd.services.broken = { script = "echo it is broken; exit 3", serviceConfig = { Type = "oneshot" } }
machines["web-1"].systemd.services.slow = {
	script = "while ! [ -e /run/go ]; do sleep 0.1; done",
	serviceConfig = { Type = "oneshot", RemainAfterExit = true },
}
machines.client.imports = { "profiles/minimal" }
machines.client.runit.services.echo.run = "exec sleep 1000000"
machines.client.virtualisation.memorySize = 256
machines.quick.system.init = "none"

local function units()
	web_1:wait_for_unit("nginx.service", { timeout = 120 })
	web_1:wait_for_unit("multi-user.target")
	web_1:wait_for_unit("network.target")
	web_1:require_unit_state("nginx")
	t.equal(web_1:get_unit_info("nginx.service").ActiveState, "active")
	t.raises(function() web_1:require_unit_state("nginx", "failed") end, "unit nginx is active, and must be failed")
	t.raises(function() web_1:wait_for_unit("nothing") end, "there is no unit nothing (not-found)")
	t.not_equal(web_1:start_job("broken"), 0)
	t.raises(function() web_1:wait_for_unit("ngnix") end, "(did you mean nginx.service?)")
	t.raises(function() web_1:wait_for_unit("broken") end, "unit broken has failed")
	t.raises(function() web_1:wait_for_unit("slow") end, "unit slow is inactive, and nothing is under way that would start it")
	t.equal(web_1:systemctl("start --no-block slow"), 0)
	t.raises(function() web_1:wait_for_unit("slow", { timeout = 0.5 }) end, "not within 0.5 s: unit slow")
	web_1:succeed("touch /run/go")
	web_1:wait_for_unit("slow")
	web_1:stop_job("nginx") -- Debian's counts as failed where it takes more than 5 seconds
	web_1:wait_for_closed_port(80)
	local status, out = web_1:systemctl("is-active nginx")
	t.equal(status, 3)
	t.not_equal(out, "active\n")
	t.equal(web_1:start_job("nginx"), 0)
	web_1:wait_for_open_port(80)
end

local function units_of_runit()
	client:wait_for_unit("echo.service")
	client:wait_for_unit("echo")
	t.equal(client:get_unit_info("echo").LoadState, "loaded")
	t.equal(client:get_unit_info("nothing").LoadState, "not-found")
	t.equal(client:stop_job("echo.service"), 0)
	client:require_unit_state("echo", "inactive")
	t.raises(function() client:wait_for_unit("echo") end, "unit echo is inactive, and nothing is under way")
	t.equal(client:systemctl("start echo"), 0)
	client:require_unit_state("echo")
	t.contains(select(3, client:systemctl("isolate echo")), "no such thing")
	t.raises(function() client:wait_for_unit("echo", { user = "root" }) end, "with runit users have no units")
	t.raises(function() client:wait_for_unit("nothing") end, "there is no unit nothing (not-found)")
end

local function waits()
	client:succeed("(while ! [ -e /run/go ]; do sleep 0.1; done; mkdir -p /run/a/b; echo >/run/a/b/c) >/dev/null 2>&1 &")
	t.raises(function() client:wait_for_file("/run/a/b/c", { timeout = 0.3 }) end, "not within 0.3 s: the file /run/a/b/c")
	client:succeed("touch /run/go")
	client:wait_for_file("/run/a/b/c")
	t.raises(function() client:wait_for_file("a/b") end, "does not begin with /")
	web_1:wait_for_open_unix_socket("/run/systemd/private")
	web_1:wait_for_open_port(80, "127.0.0.1")
	web_1:wait_for_open_port(80, { address = "::1" })
	t.raises(function() web_1:wait_for_open_port(81, { timeout = 0.3 }) end, "not within 0.3 s: tcp port 81 at localhost to be open")
	t.raises(function() web_1:wait_for_open_port(65536) end, "from 1 to 65535")
end

-- A machine without a screen has a keyboard.
local function keys()
	client:succeed("(head -n 1 </dev/tty0 >/run/keys) >/dev/null 2>&1 &")
	retry(function()
		client:send_chars("typed\n")
		return client:execute("grep -q typed /run/keys") == 0
	end, { timeout = 60 })
end

local function files()
	client:copy_from_host("../data/tree", "/srv/new/tree")
	client:prints("cd /srv/new/tree && cat one sub/two", "one\ntwo")
	client:copy_from_host("../data/tree/one", "/srv/in/")
	client:copy_from_host_via_shell("../data/tree/one", "/srv/uno")
	client:prints("cat /srv/in/one /srv/uno", "one\none")
	t.raises(function() client:copy_from_host("../data/tree/none", "/srv/x") end, "data/tree/none: No such file or directory")
	-- Back from the results it is what it was.
	local copied = client:copy_from_machine("/srv/new/tree", "copied/here")
	client:copy_from_host(copied, "/srv/back")
	client:succeed("diff -r /srv/new/tree /srv/back")
	local results = copied:match("^(.*)/copied/here/tree$")
	t.equal(client:copy_from_vm("/srv/uno"), results .. "/uno")
	-- Nothing gets out of the results by a link that came before.
	client:succeed("mkdir -p /srv/out && ln -s /tmp /srv/out/link")
	client:copy_from_host(client:copy_from_machine("/srv/out"), "/srv/links")
	client:prints("readlink /srv/links/link", "/tmp")
	t.raises(function() client:copy_from_machine("/srv/uno", "out/link") end, "No such file")
	t.raises(function() client:copy_from_machine("/srv/uno", "../x") end, "no name of a folder")
	t.raises(function() client:copy_from_machine("/srv/uno", "/tmp") end, "no name of a folder")
	for _, name in ipairs { "events.jsonl", "client.console.log", "web-1.vmcore", "client-2.vmcore", "vlan-1.pcap" } do
		t.raises(function() client:copy_from_machine("/tmp/" .. name) end, "is viv's own among the test's results: name a folder")
		t.raises(function() client:copy_from_machine("/srv/uno", name) end, "is viv's own among the test's results")
	end
	t.raises(function() client:copy_from_machine("/srv/none") end, "/srv/none: No such file or directory")
	client:succeed("mkdir -p /tmp/gcov/src && echo data >/tmp/gcov/src/a.gcda")
	client:collect_coverage("/tmp/gcov")
	t.raises(function() client:collect_coverage("/srv") end, "there is no .gcda file in /srv")
	t.raises(function() client:collect_coverage() end, "CONFIG_GCOV_KERNEL")
	-- A kernel's are read as they stand below debugfs.
	client:succeed("mount -t tmpfs none /sys/kernel/debug; mkdir -p /sys/kernel/debug/gcov/src && " ..
		"echo data >/sys/kernel/debug/gcov/src/k.gcda && ln -s /build/src/k.gcno /sys/kernel/debug/gcov/src/k.gcno")
	-- As its files are: without a size.
	client:succeed("cd /sys/kernel/debug/gcov && touch reset v.gcda && mount --bind /proc/version v.gcda")
	client:collect_coverage()
	client:copy_from_host(results .. "/coverage/client", "/srv/coverage")
	client:prints("cd /srv/coverage && cat gcov/src/a.gcda kernel/src/k.gcda && readlink kernel/src/k.gcno",
		"data\ndata\n/build/src/k.gcno\n")
	client:succeed("cmp /srv/coverage/kernel/v.gcda /proc/version")
	client:fail("test -e /srv/coverage/kernel/reset")
end

local function network()
	t.contains(client:succeed("wget -qO- http://web-1/"), "nginx")
	client:succeed("ping -c1 web-1", "ping -6 -c1 web-1")
	web_1:succeed("grep -w client /etc/hosts | grep 2001:db8:1::")
	client:block()
	client:fail("ping -c1 -W1 web-1")
	client:unblock()
	client:wait_until_succeeds("ping -c1 -W1 web-1")
	client:set_link({ delay = "300ms" })
	local ms = tonumber(client:succeed("ping -c2 web-1"):match("min/avg/max = ([%d.]+)/"))
	t.is_true(ms >= 599, "the way there and back takes 600 ms")
	client:set_link({ loss = 1, vlan = 1 })
	client:fail("ping -c1 -W1 web-1")
	client:set_link({})
	client:wait_until_succeeds("ping -c1 -W1 web-1")
	t.raises(function() client:set_link({ vlan = 3 }) end, "it is not on vlan 3")
	t.raises(function() client:set_link({ rate = "fast" }) end, "rate is to be bits a second")
	local port = web_1:forward_port(0, 80)
	t.is_true(port > 0 and port < 65536)
	t.raises(function() web_1:forward_port(port, 80) end, "Could not set up host forwarding rule")
end

local function can_not_be()
	t.raises(function() quick:wait_for_unit("nginx") end, 'it has no units: system.init is "none"')
	t.raises(function() quick:copy_from_host("./none", "/tmp") end, "none: No such file or directory")
	t.is_false(quick:is_up(), "a machine was started for it")
end

local function all_machines()
	local found = {}
	for name, machine in pairs(machines) do
		t.is_true(machine == machines[name])
		t.equal(machine.name, name)
		found[#found + 1] = name
	end
	t.equal(#machines, #found)
	t.equal(found, { "client", "quick", "web-1" })
	t.is_true(machines["web-1"] == web_1 and nodes.web_1 == web_1)
	t.raises(function() return machines["web-2"] end, "there is no machine web-2 in this test")
	t.raises(function() machines.client = {} end, "settings stand outside of tests")
	t.raises(function() for _ in ipairs(machines) do end end, "for name, machine in pairs(machines)")
end

test("methods", function()
	subtest("all machines", all_machines)
	subtest("what can't be is said before a machine is started for it", can_not_be)
	web_1:start()
	client:start()
	local pcap = capture()
	t.raises(capture, "vlan 1 is captured already")
	web_1:wait_for_unit("nginx")
	-- The first command of the other machine finds it.
	subtest("network", network)
	t.is_true(stop_capture() > 20)
	t.raises(stop_capture, "vlan 1 is not captured")
	t.contains(pcap, "/vlan-1.pcap")
	-- Ethernet, and whole (draft-ietf-opsawg-pcap).
	web_1:copy_from_host(pcap, "/run/pcap")
	web_1:prints("od -An -tx4 -N4 /run/pcap; od -An -tu4 -j20 -N4 /run/pcap", " a1b2c3d4\n          1")
	subtest("units", units)
	subtest("units of runit", units_of_runit)
	subtest("waits", waits)
	subtest("keys", keys)
	subtest("files", files)
end)
