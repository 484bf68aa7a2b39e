-- SPDX-License-Identifier: MIT
-- A Debian root on runit: its three stages, services of runit's and of systemd.services, first boot, power off.
-- runit.sh has what can't be had on it.
machine.system.init = "runit"
machine.services.openssh.enable = true
machine.services.getty = { autologinUser = "paul", helpLine = "Type CTRL-A X to exit QEMU" }
machine.users.users.paul = { isNormalUser = true, extraGroups = { "games" } }
machine.environment.etc["profile.d/logins.sh"].text = '[ ! -t 0 ] || echo "$(id -un) on $(tty)" >>/tmp/logins'
machine.runit.services.hello = {
	run = "echo hello\nexec sleep inf",
	finish = "echo $1 > /run/hello-ended",
	log = "mkdir -p /var/log/hello\nexec svlogd /var/log/hello",
}
machine.systemd.services.first = {
	script = "echo first >> /run/order",
	serviceConfig = { Type = "oneshot", RemainAfterExit = true },
	before = { "a-second.service" }, wantedBy = { "multi-user.target" },
}
machine.systemd.services["a-second"] = {
	environment = { NAME = "two  words" },
	serviceConfig = { Type = "oneshot", ExecStart = "/bin/sh -c 'echo \"$$NAME ${NAME}\" 100%% >> /run/order'" },
	wantedBy = { "multi-user.target" },
}
machine.systemd.services.daemon = {
	after = { "network.target" }, wantedBy = { "multi-user.target" },
	environment = { COLOUR = "it's red" },
	serviceConfig = { User = "paul", Group = "games", WorkingDirectory = "/tmp", RuntimeDirectory = "daemon", UMask = "0027" },
	preStart = "echo before > /run/daemon/before",
	script = "id -un; id -gn; pwd; umask; echo $COLOUR; echo up > /run/daemon/up; exec sleep inf",
}
machine.systemd.services.fails = { script = "echo again >> /run/fails; exit 1", wantedBy = { "multi-user.target" } }
machine.systemd.services.lists = {
	after = { "daemon.service" }, wants = { "network-online.target", "pulled.service" }, wantedBy = { "multi-user.target" },
	environment = { ONE = "0", GLOB = "/etc/host*  'x" },
	serviceConfig = { User = "paul", Environment = { "ONE=1 TWO=2", "THREE='3 3'" }, RuntimeDirectory = { "lists", "lists-2" },
		WorkingDirectory = "~", StandardOutput = "append:/var/log/lists.txt", Nice = 5, SyslogIdentifier = "lister",
		ExecStopPost = "/bin/sh -c 'id -un >/run/lists/over'", StandardError = "journal",
		ExecStartPre = { "/bin/echo", "", "/usr/bin/printf <%%s> $GLOB ${GLOB}", "-/bin/false" },
		ExecStart = "/bin/sh -c 'echo; id -Gn; pwd; nice; echo $ONE $TWO $THREE $HOME $SHELL; cat /run/daemon/up; echo trouble >&2; exec sleep inf'" },
}
machine.systemd.services.pulled = { wants = { "further.service" }, script = "exec sleep inf" }
machine.systemd.services.further = { script = "exec sleep inf", serviceConfig = { User = "1000", Group = 60, StandardOutput = "null" } }
machine.systemd.services.online = { script = "exec sleep inf", wantedBy = { "network-online.target" } }
machine.systemd.services.offline = { script = "exec sleep inf", wantedBy = { "rescue.target" }, requires = { "needed.service" } }
machine.systemd.services.needed = { script = "exec sleep inf" }
machine.systemd.services["g\\x2dh"] = { script = "exec sleep inf", wantedBy = { "multi-user.target" } }
machine.systemd.services.broken = { script = "exit 3", wantedBy = { "multi-user.target" }, serviceConfig = { Type = "oneshot" } }
for _, n in ipairs { "after-broken", "long-after-broken" } do
	machine.systemd.services[n] = { script = "touch /run/" .. n, after = { "broken.service" }, requires = { "broken.service" },
		wantedBy = { "multi-user.target" } }
end
machine.systemd.services["after-broken"].serviceConfig.Type = "oneshot"
-- What fails ends a service that runs once, but not a plain list of commands.
machine.systemd.services.half = {
	serviceConfig = { Type = "oneshot", ExecStart = { "/bin/false", "/bin/touch /run/half" } }, wantedBy = { "multi-user.target" } }
machine.boot.postBootCommands = "false; mkdir -p /run/post; false\ntouch /run/post/on; (exit 4)"
machine.systemd.services.manual = { script = "exec sleep inf" }
machine.systemd.services.off = { script = "exec sleep inf", enable = false, wantedBy = { "multi-user.target" } }

-- A file that is being written.
local function comes(file, text)
	machine:wait_for_file(file)
	machine:succeed(("timeout 60 tail -n +1 -F %s 2>/dev/null | grep -qm1 -- \"%s\""):format(file, text), { strict = false })
end

test("runit", function()
	subtest("it is runit's machine", function()
		machine:prints("cat /proc/1/comm", "runit")
		machine:prints("hostname", "machine")
		machine:succeed("ip -4 addr show eth0 2>/dev/null | grep -q inet || grep -q '^eth0' /proc/net/route")
	end)

	subtest("what runs once, in order", function()
		machine:prints("cat /run/order", "first\ntwo  words two  words 100%")
	end)

	-- Services start beside each other: each is waited for.
	subtest("services, their users, folders and logs", function()
		for _, service in ipairs { "hello", "daemon", "ssh.service", "getty-ttyS0" } do
			machine:wait_for_unit(service)
		end
		comes("/run/daemon/up", "up")
		comes("/var/log/daemon/current", "it's red")
		t.contains(machine:succeed("sed 's/^[^ ]* //' /var/log/daemon/current | tr '\\n' ' '"),
			"paul games /tmp 0027 it's red")
		machine:succeed("test -e /run/daemon/before")
		comes("/var/log/hello/current", "hello")
		machine:require_unit_state("manual", "inactive")
		machine:fail("test -e /etc/sv/off")
		machine:succeed("sv -w 60 down hello")
		machine:prints("cat /run/hello-ended", "-1")
	end)

	subtest("lists, output, a user with all of his groups", function()
		comes("/var/log/lists/current", "lister: trouble")
		machine:prints("cat /var/log/lists.txt", [[
</etc/host*><'x></etc/host*  'x>
paul games
/home/paul
5
1 2 3 3 /home/paul /bin/bash
up
]])
		machine:prints("stat -c %U /run/lists /run/lists-2", "paul\npaul")
		machine:succeed("sv -w 60 down lists")
		machine:prints("cat /run/lists/over", "paul")
	end)

	subtest("other services, wanted and required", function()
		for _, service in ipairs { "pulled", "further", "online", [[g\x2dh]] } do
			machine:wait_for_unit(service)
		end
		machine:prints("stat -c %u:%g /proc/$(cat /run/runit/supervise/further/pid)", "1000:60")
		machine:require_unit_state("offline", "inactive")
		machine:require_unit_state("needed", "inactive")
		machine:succeed("sv -w 60 start offline")
		machine:wait_for_unit("needed")
	end)

	subtest("what fails", function()
		comes("/var/log/long-after-broken/current", "broken failed, which is required")
		for _, file in ipairs { "after-broken", "long-after-broken", "half" } do
			machine:fail("test -e /run/" .. file)
		end
		machine:succeed("test -e /run/post/on")
		-- No Restart: it ended, and that was it.
		comes("/run/fails", "again")
		machine:succeed("sv -w 60 down fails")
		machine:prints("wc -l </run/fails", "1")
		local console = machine:get_console_log()
		for _, said in ipairs { "-broken ended with status 3\n", "-half ended with status 1\n",
			"boot.postBootCommands ended with status 4" } do
			t.contains(console, said)
		end
	end)

	subtest("what runs once, and targets, are units, too", function()
		for _, unit in ipairs { "first", "a-second.service", "multi-user.target" } do
			machine:wait_for_unit(unit)
		end
		local function fails(unit, message)
			t.raises(function() machine:wait_for_unit(unit, { timeout = 300 }) end, message)
		end
		fails("broken", "unit broken has failed")
		fails("fist", "there is no unit fist (not-found) (did you mean first.service, ")
		fails("damon.service", "(did you mean daemon.service?)")
		fails("multi-usr.target", "there is no unit multi-usr.target (not-found) (did you mean multi-user.target?)")
		fails("rescue.target", "there is no unit rescue.target")
		t.equal(machine:get_unit_info("first"),
			{ Id = "first.service", Names = "first.service", LoadState = "loaded", ActiveState = "active", Type = "oneshot" })
		t.equal(machine:get_unit_info("broken.service").ActiveState, "failed")
		t.equal(machine:get_unit_info("multi-user.target").ActiveState, "active")
		t.equal(machine:get_unit_info("fist").LoadState, "not-found")
		t.contains(machine:succeed("cat /proc/" .. machine:get_unit_info("daemon").MainPID .. "/cmdline"), "sleep")
		machine:require_unit_state("broken", "failed")
		t.raises(function() machine:require_unit_state("broken") end, "unit broken is failed, and must be active")
		local function systemctl(words, wanted, said)
			local status, out, err = machine:systemctl(words)
			t.equal(status, wanted, words)
			t.contains(out .. err, said)
		end
		systemctl("is-active first broken daemon manual network.target fist", 3, "active\nfailed\nactive\ninactive\nactive\nnot-found\n")
		systemctl("is-failed broken", 0, "failed\n")
		systemctl("status broken", 3, "broken: failed, at boot")
		systemctl("status fist", 4, "there is no unit fist")
		systemctl("start first multi-user.target", 0, "")
		systemctl("restart first", 1, "first: runit can't restart it")
		systemctl("start fist", 5, "there is no unit fist")
		systemctl("list-units", 0, "\nbroken.service failed\n")
		systemctl("list-unit-files", 0, "\nmanual.service\n")
		systemctl("isolate daemon", 2, "systemctl isolate: runit has no such thing")
		systemctl([[status 'g\x2dh']], 0, "run: ")
		t.equal(machine:start_job("manual"), 0)
		machine:require_unit_state("manual.service")
		t.equal(machine:stop_job("manual"), 0)
		machine:require_unit_state("manual", "inactive")
	end)

	subtest("the console's login, which knows whom to let in", function()
		comes("/tmp/logins", "paul on /dev/ttyS0")
		machine:prints("cat /etc/issue.d/viv-help.issue", "Type CTRL-A X to exit QEMU\n\n")
	end)

	subtest("a host key of its own, and a server that answers", function()
		machine:succeed("test -s /etc/ssh/ssh_host_ed25519_key")
		machine:wait_for_open_port(22)
		t.contains(machine:succeed("exec 3<>/dev/tcp/127.0.0.1/22; head -c 8 <&3", { shell = "bash" }), "SSH-2.0-")
	end)

	-- What holds a file of the disk and heeds no SIGTERM: the end waits until it is gone.
	subtest("the disk is left clean", function()
		machine:succeed([[setsid sh -c "trap '' TERM; exec 3>/var/tmp/held; echo up >/run/held; exec sleep inf" \
			>/dev/null 2>&1 &]])
		machine:wait_for_file("/run/held")
		machine:reboot()
		machine:succeed("test -e /var/tmp/held")
		machine:prints("dmesg | grep 'EXT4-fs.*recover' || :", "") -- its journal was not replayed
	end)
end)
