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

-- What a call that fails says.
local function says(text, fn, ...)
	local ok, why = pcall(fn, ...)

	t.is_false(ok, text)
	t.contains(tostring(why), text)
end

local function units()
	web_1:wait_for_unit("nginx.service", { timeout = 120 })
	web_1:wait_for_unit("multi-user.target")
	web_1:require_unit_state("nginx")
	t.equal(web_1:get_unit_info("nginx.service").ActiveState, "active")
	says("unit nginx is active, and must be failed", web_1.require_unit_state, web_1, "nginx", "failed")
	says("there is no unit nothing (not-found)", web_1.wait_for_unit, web_1, "nothing")
	t.not_equal(web_1:start_job("broken"), 0)
	says("(did you mean nginx.service?)", web_1.wait_for_unit, web_1, "ngnix")
	says("unit broken has failed", web_1.wait_for_unit, web_1, "broken")
	says("unit slow is inactive, and nothing is under way that would start it", web_1.wait_for_unit, web_1, "slow")
	t.equal(web_1:systemctl("start --no-block slow"), 0)
	says("not within 0.5 s: unit slow", web_1.wait_for_unit, web_1, "slow", { timeout = 0.5 })
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
	says("unit echo is inactive, and nothing is under way", client.wait_for_unit, client, "echo")
	t.equal(client:systemctl("start echo"), 0)
	client:require_unit_state("echo")
	says("no such thing", function() t.fail((select(3, client:systemctl("isolate echo")))) end)
	says("with runit users have no units", client.wait_for_unit, client, "echo", { user = "root" })
	says("there is no unit nothing (not-found)", client.wait_for_unit, client, "nothing")
end

local function waits()
	client:succeed("(while ! [ -e /run/go ]; do sleep 0.1; done; mkdir -p /run/a/b; echo >/run/a/b/c) >/dev/null 2>&1 &")
	says("not within 0.3 s: the file /run/a/b/c", client.wait_for_file, client, "/run/a/b/c", { timeout = 0.3 })
	client:succeed("touch /run/go")
	client:wait_for_file("/run/a/b/c")
	says("does not begin with /", client.wait_for_file, client, "a/b")
	web_1:wait_for_open_unix_socket("/run/systemd/private")
	web_1:wait_for_open_port(80, "127.0.0.1")
	web_1:wait_for_open_port(80, { address = "::1" })
	says("not within 0.3 s: tcp port 81 at localhost to be open", web_1.wait_for_open_port, web_1, 81, { timeout = 0.3 })
	says("from 1 to 65535", web_1.wait_for_open_port, web_1, 65536)
end

local function files()
	client:copy_from_host("../data/tree", "/srv/new/tree")
	t.equal(client:succeed("cd /srv/new/tree && cat one sub/two"), "one\ntwo\n")
	client:copy_from_host("../data/tree/one", "/srv/in/")
	client:copy_from_host_via_shell("../data/tree/one", "/srv/uno")
	t.equal(client:succeed("cat /srv/in/one /srv/uno"), "one\none\n")
	says("data/tree/none: No such file or directory", client.copy_from_host, client, "../data/tree/none", "/srv/x")
	-- Back from the results it is what it was.
	local copied = client:copy_from_machine("/srv/new/tree", "copied/here")
	client:copy_from_host(copied, "/srv/back")
	client:succeed("diff -r /srv/new/tree /srv/back")
	local results = copied:match("^(.*)/copied/here/tree$")
	t.equal(client:copy_from_vm("/srv/uno"), results .. "/uno")
	-- Nothing gets out of the results by a link that came before.
	client:succeed("mkdir -p /srv/out && ln -s /tmp /srv/out/link")
	client:copy_from_host(client:copy_from_machine("/srv/out"), "/srv/links")
	t.equal(client:succeed("readlink /srv/links/link"), "/tmp\n")
	says("No such file", client.copy_from_machine, client, "/srv/uno", "out/link")
	says("no name of a folder", client.copy_from_machine, client, "/srv/uno", "../x")
	says("no name of a folder", client.copy_from_machine, client, "/srv/uno", "/tmp")
	says("/srv/none: No such file or directory", client.copy_from_machine, client, "/srv/none")
	client:succeed("mkdir -p /tmp/gcov/src && echo data >/tmp/gcov/src/a.gcda")
	client:collect_coverage("/tmp/gcov")
	says("there is no .gcda file in /srv", client.collect_coverage, client, "/srv")
	says("CONFIG_GCOV_KERNEL", client.collect_coverage, client)
	-- A kernel's are read as they stand below debugfs.
	client:succeed("mount -t tmpfs none /sys/kernel/debug; mkdir -p /sys/kernel/debug/gcov/src && " ..
		"echo data >/sys/kernel/debug/gcov/src/k.gcda && ln -s /build/src/k.gcno /sys/kernel/debug/gcov/src/k.gcno")
	-- As its files are: without a size.
	client:succeed("cd /sys/kernel/debug/gcov && touch reset v.gcda && mount --bind /proc/version v.gcda")
	client:collect_coverage()
	client:copy_from_host(results .. "/coverage/client", "/srv/coverage")
	t.equal(client:succeed("cd /srv/coverage && cat gcov/src/a.gcda kernel/src/k.gcda && readlink kernel/src/k.gcno"),
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
	says("it is not on vlan 3", client.set_link, client, { vlan = 3 })
	says("rate is to be bits a second", client.set_link, client, { rate = "fast" })
	local port = web_1:forward_port(0, 80)
	t.is_true(port > 0 and port < 65536)
	says("Could not set up host forwarding rule", web_1.forward_port, web_1, port, 80)
end

local function can_not_be()
	says('it has no units: system.init is "none"', quick.wait_for_unit, quick, "nginx")
	says("none: No such file or directory", quick.copy_from_host, quick, "./none", "/tmp")
	t.is_false(quick:is_up(), "a machine was started for it")
end

test("methods", function()
	subtest("what can't be is said before a machine is started for it", can_not_be)
	web_1:start()
	client:start()
	local pcap = capture()
	says("vlan 1 is captured already", capture)
	web_1:wait_for_unit("nginx")
	-- The first command of the other machine finds it.
	subtest("network", network)
	t.is_true(stop_capture() > 20)
	says("vlan 1 is not captured", stop_capture)
	t.contains(pcap, "/vlan-1.pcap")
	-- Ethernet, and whole (draft-ietf-opsawg-pcap).
	web_1:copy_from_host(pcap, "/run/pcap")
	t.equal(web_1:succeed("od -An -tx4 -N4 /run/pcap; od -An -tu4 -j20 -N4 /run/pcap"), " a1b2c3d4\n          1\n")
	subtest("units", units)
	subtest("units of runit", units_of_runit)
	subtest("waits", waits)
	subtest("files", files)
end)
