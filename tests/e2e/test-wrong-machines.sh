# SPDX-License-Identifier: MIT
# slow
# Tests whose machines come to a bad end: QEMU is killed, the kernel panics, the agent dies, a guest says more than anybody wants
# to hear. Each has a verdict that names the cause, the other tests go on, and nothing is left. Fifteen boots or so.
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip "jq is missing"
[ ! -f "$shared/minimal.lock" ] || cp "$shared/minimal.lock" vm.lock

cat >machines.test.lua <<'EOF'
machine.imports = { "profiles/minimal" }
machine.networking.hostName = "wrong"
machine.boot.kernelParams = { "nosoftlockup", "rcupdate.rcu_cpu_stall_suppress=1" } -- on a host that is busy

test("killed in a command", function() machine:succeed("echo here; sleep 1000000") end)
test("killed in a wait", function() machine:wait_for_file("/never") end)
test("panic in a wait", function()
	machine:succeed("(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &")
	machine:wait_for_file("/panic")
end)
test("agent killed", function()
	machine:succeed("for p in /proc/[0-9]*; do grep -q '^@viv-agent' $p/cmdline && kill -9 ${p#/proc/}; done; sleep 1000000")
end)
test("babbles", function()
	local function cause(fn, ...)
		local ok, why = pcall(fn, ...)
		t.is_false(ok)
		return tostring(why)
	end

	t.contains(cause(machine.succeed, machine, "yes"), "more than")
	t.contains(cause(machine.succeed_tap, machine, "head -c 70000000 /dev/zero | tr '\\0' x"), "more than 64 MiB of output: head")
	t.contains(cause(machine.succeed, machine, "while :; do :; done", { timeout = 2 }), "not within 2 s: ")
	-- A console without end, and yet the machine obeys.
	machine:succeed("yes 'it goes on and on' >/dev/console 2>&1 & echo $! >/run/yes")
	for i = 1, 20 do t.equal(machine:succeed("echo " .. i), i .. "\n") end
	machine:succeed("kill $(cat /run/yes); echo 'the last words' >/dev/console") -- behind all that is still to come
	machine:wait_for_console_text("the last words")
	machine:succeed("exit 3")
end)
local function gone() return not machine:is_up() end
local function background(command) machine:succeed("(sleep 1; " .. command .. ") >/dev/null 2>&1 &") end
test("rebooted between two methods", function()
	background("echo b >/proc/sysrq-trigger")
	retry(gone)
	t.contains(t.raises(function() machine:wait_for_console_text("what nobody says") end), "the test had not asked for that: it rebooted")
	machine:start({ allow_reboot = true }) -- one that may
	machine:succeed("touch /run/here")
	background("echo b >/proc/sysrq-trigger")
	machine:wait_until_succeeds("test ! -e /run/here")
	machine:shutdown()
	machine:start()
	background("echo b >/proc/sysrq-trigger")
	retry(gone)
	machine:start()
end)
test("rebooted at the end", function()
	background("echo b >/proc/sysrq-trigger")
	retry(gone)
end)
test("powered off, and started", function()
	machine:succeed("touch /run/here; poweroff")
	machine:wait_for_shutdown()
	machine:start()
	machine:fail("test -e /run/here")
	machine:succeed("touch /run/here; poweroff")
	retry(gone)
	start_all()
	machine:fail("test -e /run/here")
	machine:succeed("poweroff")
	retry(gone)
end)
test("killed between two methods", function()
	machine:succeed("true")
	log("kill it")
	retry(gone)
	machine:succeed("true")
end)
test("killed at the end", function()
	machine:succeed("true")
	log("kill it")
	retry(gone)
	skip("whatever it says")
end)
test("left running", function() machine:start() end)
test("after them", function() t.equal(1, 1) end)
test("its time is up", { timeout = 40 }, function() machine:wait_until_succeeds("false") end)
EOF
cat >pair.test.lua <<'EOF'
machines["*"].imports = { "profiles/minimal" }
machines.server = {}
machines.client = {}
local function dies(how)
	start_all()
	server:succeed("(sleep 1; echo " .. how .. " >/proc/sysrq-trigger) >/dev/null 2>&1 &")
	client:wait_until_succeeds("false", { timeout = 900 })
end
test("another's panic", function() dies("c") end)
test("another's reboot", function() dies("b") end)
test("a reboot that the test knows of", function()
	client:start()
	t.raises(function() server:succeed("echo b >/proc/sysrq-trigger; sleep 1000000") end, "it rebooted")
	client:sleep(12)
	client:shutdown()
end)
EOF
mkfifo said
timeout 1500 "$VIV" test --json --jobs 1 --results results machines.test.lua pair.test.lua >said 2>err &
viv=$!
exec 4<said
while read -r line <&4; do
	echo "$line" >>events
	case $line in
	*'"event":"log"'*'"kill it"'* | *'"event":"step"'*'must succeed: echo here'* | *'"event":"step"'*'waiting for the file /never'*)
		"$VIV" ps --json >ps
		kill -9 "$(jq -r '.[] | select(.name == "wrong").qemu_pid' ps)"
		;;
	esac
done
wait $viv
s=$?
tail -n 5 events >out
[ $s = 1 ] || fail "status $s, not that of failed tests"

verdict_is() { # TEST PATTERN
	local is
	is=$(jq -r --arg name "$1" 'select(.name == $name) | "\(.verdict) \(.place): \(.reason)"' results/results.jsonl)
	# shellcheck disable=SC2053
	[[ $is == $2 ]] || fail "$1: $is"
}
outside='machine: something else on this host ended it: QEMU was killed from outside (SIGKILL)*'
verdict_is "killed in a command" "fail machines.test.lua:5: $outside, while waiting for the end of: echo here; sleep 1000000"
verdict_is "killed in a wait" "fail machines.test.lua:6: $outside, while waiting for the file /never"
verdict_is "panic in a wait" "crash machines.test.lua:9: machine: its kernel: Kernel panic - not syncing: sysrq triggered crash"
verdict_is "agent killed" "fail machines.test.lua:12: machine: the guest's agent has ended, while waiting for the end of: for p in *"
lost='machine: it ended * s ago, * s after its start, and the test had not asked for that'
killed='something else on this host ended it: QEMU was killed from outside (SIGKILL)*'
verdict_is "rebooted between two methods" "fail machines.test.lua:45: $lost: it rebooted; start(*"
verdict_is "rebooted at the end" "fail null: $lost: it rebooted; start(*"
verdict_is "powered off, and started" "pass null: null"
verdict_is "killed between two methods" "fail machines.test.lua:67: $lost: $killed"
verdict_is "killed at the end" "fail machines.test.lua:73: $lost: $killed"
verdict_is "another's panic" "crash pair.test.lua:7: server: its kernel: Kernel panic - not syncing: sysrq triggered crash"
jq -r 'select(.name == "another\u0027s panic").details' results/results.jsonl >details
grep -q "^then: client: no longer waiting for .*, because of server: its kernel: " details || fail "what ended the wait: $(cat details)"
verdict_is "another's reboot" "fail pair.test.lua:7: client: no longer waiting for *, because of server: it rebooted"
verdict_is "a reboot that the test knows of" "pass null: null"
verdict_is babbles "fail machines.test.lua:29: machine: failed with status 3: exit 3"
verdict_is "left running" "pass null: null"
verdict_is "after them" "pass null: null"
verdict_is "its time is up" "timeout machines.test.lua:*: machine: did not succeed in time (status 1 at last*): false"
jq -r 'select(.name == "babbles").details' results/results.jsonl >details
grep -q 'the last words' details || fail "the console's end is not in the failure"
[ "$(wc -l <details)" -lt 100 ] || fail "more of the console than anybody wants to read"
expect 0 "$VIV" ps --json
out_is "[]"
[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv/.tests" 2>/dev/null)" ] || fail "left in .tests"
