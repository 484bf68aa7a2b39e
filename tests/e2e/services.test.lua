-- SPDX-License-Identifier: MIT
-- What options say of services, in one machine with systemd: scripts, a timer, a socket, a mount, tmpfiles, a
-- package's unit changed, cron, journald, the console's login, variables, aliases. Then what waits for units say.
-- services.sh has the plan, and units that are wrong.

-- Who writes to a pipe waits for its reader, and the other way round: nobody asks again and again.
machine.systemd = {
	services = {
		foo = {
			serviceConfig = { Type = "oneshot" },
			wantedBy = { "multi-user.target" },
			environment = { GREETING = [[100% "right" \ near $HOME]] },
			script = [[echo "This service runs $GREETING" > /dev/kmsg]],
		},
		tick = { serviceConfig = { Type = "oneshot" }, script = "echo tick > /run/tick" },
		tock = {
			serviceConfig = { Type = "oneshot", RemainAfterExit = true },
			script = "touch /run/tock", startAt = "*-*-* *:*:*",
		},
		["back@"] = { serviceConfig = { ExecStart = "/usr/bin/cat", StandardInput = "socket" } },
		["made@"] = { serviceConfig = {
			Type = "oneshot", RemainAfterExit = true, ExecStart = "/usr/bin/touch /run/made-%i",
		} },
		["made@one"] = { wantedBy = { "multi-user.target" } },
		off = { enable = false, script = "true", wantedBy = { "multi-user.target" } },
		cron = { serviceConfig = { Nice = 5 }, preStart = "touch /run/cron-starts" },
		later = {
			preStart = "mkfifo /run/begin; read line </run/begin",
			script = "exec sleep inf",
			postStart = "echo $MAINPID > /run/later-up",
			reload = "echo $MAINPID > /run/later-again",
			serviceConfig = { TimeoutStartSec = "infinity" },
		},
		broken = {
			preStart = "mkfifo /run/fail; read line </run/fail; echo no more >&2; exit 1",
			script = "exec sleep inf",
			serviceConfig = { TimeoutStartSec = "infinity" },
		},
	},
	tmpfiles = { rules = {
		"d /var/cache/foo 0750 www-data www-data -",
		"p /run/tick 0600 root root -", "p /run/cron 0600 root root -", "p /run/login 0600 root root -",
	} },
	timers = {
		tick = { timerConfig = { OnActiveSec = 1, AccuracySec = "1us" }, wantedBy = { "timers.target" } },
		tock = { timerConfig = { AccuracySec = "1us" } },
	},
	sockets = { back = {
		listenStreams = { "127.0.0.1:7777" },
		socketConfig = { Accept = true },
		wantedBy = { "sockets.target" },
	} },
	mounts = { {
		what = "tmpfs", where = "/srv/a-b c", type = "tmpfs", options = "size=1M",
		wantedBy = { "multi-user.target" },
	} },
	targets = { ready = { wants = { "foo.service" }, wantedBy = { "multi-user.target" } } },
}
machine.boot.postBootCommands = "echo 'Not much to do before systemd :)' > /dev/kmsg"
machine.services = {
	cron = { systemCronJobs = { "@reboot root echo cron > /run/cron" } },
	journald = { storage = "persistent", forwardToSyslog = false, rateLimitBurst = 0, rateLimitInterval = "5s",
		extraConfig = "SystemMaxUse=20M" },
	getty = { helpLine = "Type CTRL-A X to exit QEMU\n" },
}
machine.virtualisation.sharedDirectories.data = { source = "../data/tree", target = "/tmp/data" }
machine.environment = {
	variables = { TERM = "xterm" },
	shellAliases = { hi = "echo 'an alias'" },
	etc = { ["profile.d/login.sh"] = {
		text = '[ "$(tty)" != /dev/ttyS0 ] || echo "$(id -un) $TERM" > /run/login\n',
	} },
}

-- When what follows waits already.
local function soon(command)
	machine:succeed("systemd-run -q --on-active=1s --timer-property=AccuracySec=1us sh -c '" .. command .. "'")
end

test("services", function()
	-- First: with a job under way the system is not up.
	subtest("a timer, cron and the console's login have run", function()
		machine:prints("cat /run/tick /run/cron /run/login", "tick\ncron\nroot xterm")
		machine:wait_for_file("/run/tock")
		machine:wait_for_console_text("Type CTRL-A X to exit QEMU")
		machine:wait_for_console_text("login: root (automatic login)")
	end)

	subtest("no unit has failed", function()
		machine:prints("systemctl is-system-running --wait", "running")
		machine:prints("systemctl --failed --no-legend", "")
	end)

	subtest("scripts, templates, tmpfiles, a mount, a target", function()
		machine:prints("dmesg | grep -o 'Not much to do before systemd.*\\|This service runs.*'",
			'Not much to do before systemd :)\nThis service runs 100% "right" \\ near $HOME')
		machine:prints("stat -c '%a %U %G %n' /var/cache/foo /run/made-one",
			"750 www-data www-data /var/cache/foo\n644 root root /run/made-one")
		machine:prints("findmnt -n -o FSTYPE,OPTIONS '/srv/a-b c' | grep -o 'tmpfs\\|size=[0-9]*k'", "tmpfs\nsize=1024k")
		machine:require_unit_state("ready.target")
		machine:prints("systemctl is-enabled off || :", "masked")
	end)

	subtest("the host's folders are in systemd's own /tmp", function()
		machine:prints("findmnt -n -o FSTYPE /tmp; ls -d /tmp/xchg /tmp/shared; cat /tmp/data/one", "tmpfs\n/tmp/shared\n/tmp/xchg\none")
	end)

	subtest("a socket starts its service", function()
		t.contains(select(3, machine:execute("true\nno-such-command", { shell = "bash" })), "bash: line 2: no-such-command")
		t.contains(select(3, machine:execute("true\nno-such-command")), "sh: 2: eval: no-such-command")
		machine:prints([[exec 3<>/dev/tcp/127.0.0.1/7777; echo there and back >&3; read -r line <&3; echo "$line"]],
			"there and back", { shell = "bash" })
	end)

	subtest("a package's unit, changed", function()
		local cron = machine:get_unit_info("cron")
		t.equal(cron.Nice, "5")
		t.equal(cron.FragmentPath, "/usr/lib/systemd/system/cron.service")
		machine:succeed("ls /run/cron-starts")
	end)

	subtest("the journal, variables, aliases", function()
		machine:prints("ls -d /var/log/journal/*/system.journal | wc -l", "1")
		machine:prints("systemd-analyze cat-config systemd/journald.conf | grep '^[FRS]'",
			"ForwardToSyslog=yes\nForwardToSyslog=false\nRateLimitBurst=0\nRateLimitIntervalSec=5s\nStorage=persistent\nSystemMaxUse=20M")
		machine:prints("printenv TERM", "xterm")
		machine:prints("bash -lic hi 2>/dev/null", "an alias")
	end)

	-- What is waited for, told by events: what is so, what comes, what can't come.
	subtest("waits: what is so", function()
		machine:wait_for_unit("cron")
		machine:wait_for_unit("ready.target")
		machine:wait_for_open_port(7777)
		machine:wait_for_file("/srv/a-b c")
	end)
	subtest("waits: what comes", function()
		machine:succeed("systemctl start --no-block later")
		machine:wait_for_file("/run/begin")
		soon("echo >/run/begin; mkdir -p /run/a/b")
		machine:wait_for_unit("later")
		machine:wait_for_file("/run/a/b")
		machine:succeed("systemctl reload later")
		machine:prints("cat /run/later-up /run/later-again | uniq", machine:get_unit_info("later").MainPID)
		machine:wait_for_closed_port(7778)
		machine:succeed("systemd-run -q --socket-property=ListenStream=127.0.0.1:7778 -u listens true")
		machine:wait_for_open_port(7778, "127.0.0.1")
	end)
	subtest("waits: what can't come is said at once", function()
		local function never(unit, why)
			t.raises(function() machine:wait_for_unit(unit) end, why)
		end
		never("foo.service", "unit foo.service is inactive, and nothing is under way that would start it")
		never("nothing.service", "there is no unit nothing.service")
		never("off", "there is no unit off")
		machine:succeed("systemctl start --no-block broken")
		machine:wait_for_file("/run/fail")
		soon("echo >/run/fail")
		never("broken", "unit broken has failed")
		t.raises(function() machine:wait_for_open_port(7779, { timeout = 1 }) end, "not within 1 s: ")
	end)
	subtest("units of users who have none", function()
		t.raises(function() machine:wait_for_unit("default.target", "nobody") end,
			"no systemd runs for nobody, who has no session and does not linger (loginctl enable-linger nobody")
		t.raises(function() machine:get_unit_info("default.target", { user = "nobody" }) end, "no systemd runs for nobody")
		local ok, why = pcall(machine.wait_for_unit, machine, "default.target", "pual")
		t.is_false(ok)
		t.contains(tostring(why), "there is no user pual in the guest")
	end)
end)
