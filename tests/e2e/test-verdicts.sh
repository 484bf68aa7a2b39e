# SPDX-License-Identifier: MIT
# Verdicts of tests: what has not been seen to be right has not passed.
. "$(dirname "$0")/lib.sh"

cat >verdicts.test.lua <<'EOF'
machine.imports = { "profiles/minimal" }

local function report(text)
	machine:execute("echo '<1>" .. text .. "' >/dev/kmsg")
end

-- What the function fails with; t.raises lets mistakes pass.
local function failure(fn)
	local ok, why = pcall(fn)

	t.is_false(ok, "it did not fail")
	return tostring(why)
end

test("checks", function()
	machine:start()
	machine:shutdown() -- in good order, though it has hardly begun
	t.is_false(machine:is_up())
	machine:wait_for_shutdown()

	-- Commands that never ran.
	t.contains(failure(function() machine:fail("true", { user = "nosuch" }) end), "did not run to its end")
	t.contains(failure(function() machine:wait_until_fails("sleep 100", { timeout = 1 }) end),
		"did not fail in time (the first attempt did not end)")
	t.contains(failure(function() machine:fail("true", { cwd = "/nope" }) end), "did not run to its end")
	t.contains(failure(function() machine:wait_until_fails("true", { cwd = "/nope" }) end), "did not run to its end")
	machine:fail("false")
	machine:fail("no-such-command", "no-such-command")
	machine:fail("tcpdump --help | cat")
	machine:wait_until_fails("jq .")
	machine:fail("command -v fio")
	t.raises(function() machine:succeed("tcpdump -i eth1") end,
		'failed with status 127 (Debian\'s package tcpdump has tcpdump: environment.systemPackages = { "tcpdump" }): tcpdump -i')
	t.raises(function() machine:succeed("no-such-command") end, "failed with status 127: no-such-command")
	machine:succeed("echo that is seen >&2")
	machine:succeed("seq 100000 >&2")
	-- No process has it among its arguments, none that it starts in its environment.
	machine:prints("tr '\\0' ' ' </proc/$$/cmdline", 'sh -c eval "$_VIV" ')
	machine:fail("env | grep -i _viv")
	t.contains(select(3, machine:execute("true\nno-such-command")), "line 2: no-such-command: not found")
	t.contains(select(3, machine:execute("echo\nif (then", { strict = false })), "line 2: syntax error")
	-- The most that Linux takes as one text, and what takes more.
	machine:succeed("#" .. ("x"):rep(131056))
	for _, method in ipairs { "execute", "succeed", "fail", "wait_until_fails" } do
		t.contains(failure(function() machine[method](machine, "#" .. ("x"):rep(131057)) end),
			method .. ": the command, or a value of env, is too long for Linux (128 KiB): input = … takes any size")
	end
	machine:spawn("cat"):send("x\n")
	machine:succeed("true", nil) -- no options
	machine:execute("echo '<3>viv-init: warning: /x is odd' >/dev/kmsg")

	-- What a program says is not its kernel's.
	machine:succeed("echo 'BUG: my program has one' >/dev/console; echo 'Oops: sorry, no such user' >/dev/console")

	-- Options of another type are none.
	for name, value in pairs { cwd = 7, shell = {}, input = 5, strict = "no", env = "A=1", user = true, timeout = {} } do
		t.contains(failure(function() machine:succeed("true", { [name] = value }) end), "succeed: " .. name .. ": expected ")
	end
	t.contains(failure(function() machine:succeed("true", { timeout = {} }) end), "timeout: expected a number or text, got a table")
	t.contains(failure(function() machine:succeed("true", { user = 1.5 }) end), "expected text or a whole number, got a number")
	t.contains(failure(function() machine:succeed("true", { timeout = 0 }) end), "more than 0 seconds")
	t.contains(failure(function() machine:spawn("true", { rows = "x" }) end), "rows: expected a whole number, got a string")
	for _, size in ipairs { -1, 0, 70000, math.maxinteger } do
		t.contains(failure(function() machine:spawn("true", { rows = size }) end), "spawn: rows is to be from 1 to 65535")
		t.contains(failure(function() machine:spawn("true", { columns = size }) end), "spawn: columns is to be")
	end
	t.contains(failure(function() retry(t.fail, { interval = "x" }) end), "interval is to be seconds, or a time such as")
	t.contains(failure(function() polling_condition(t.fail, { interval = "x" }) end), "interval is to be seconds")
	t.contains(failure(function() machine:send_key("a", { delay = true }) end), "delay: expected a number or text")
	t.contains(failure(function() machine:set_link({ rate = true }) end), "rate: expected a number or text")
	t.contains(failure(function() machine:sleep(-1) end), "0 or more")
	t.contains(failure(function() machine:sleep(0 / 0) end), "0 or more")
	t.contains(failure(function() machine:wait_for_file("/none", { timeout = 1e-9 }) end), "within 0.001 s")
	t.contains(failure(function() machine:sleep(0, { user = "x" }) end), "too many arguments")
	-- What a NUL would cut off.
	for _, fn in ipairs {
		function() machine:succeed("echo ran\0; false") end,
		function() machine:wait_for_file("/tmp\0/x") end,
		function() machine:succeed("true", { cwd = "/\0x" }) end,
		function() machine:copy_from_machine("/etc/hostname\0x") end,
		function() subtest("a\0b", t.fail) end,
	} do
		t.contains(failure(fn), "has a NUL byte in it")
	end
	t.contains(failure(function() machine:succeed("true", { env = { A = "a\0b" } }) end), "env is to be")
	machine:prints("cat", "a\0b", { input = "a\0b" })
	t.contains("a\0b", "\0")
	log("a\0b")

	local options = { user = 65534, timeout = "5m" }
	t.equal(machine:succeed("id -u", options), "65534\n")
	t.equal(options, { user = 65534, timeout = "5m" })

	log(true)
	log({ a = 1 })

	-- Mistakes are not the failures that tests want to see.
	t.contains(failure(function() machine:succeed(nil) end), "is to be a text")
	t.contains(failure(function() t.raises(function() machine:sucseed("true") end) end), "did you mean succeed")
	t.raises(function() machine:sucseed("true") end, "did you mean succeed")
	for _, method in ipairs { "copy_from_host", "run_script" } do
		t.contains(failure(function() t.raises(function() machine[method](machine, "none", "/tmp") end) end),
			'"none": a file\'s path starts with')
	end
	t.contains(failure(function() t.raises(function() skip("not here") end) end), "not here")
	t.contains(t.raises(function() machine:succeed("exit 3") end), "status 3")
	t.equal(t.raises(function() t.fail("so it is") end), "so it is")
	machine:prints("echo a; echo b >&2", "a")
	machine:prints("echo a", "a\n")
	machine:prints("true", "")
	machine:prints("echo 7", 7)
	t.raises(function() machine:prints("echo", "") end, 'machine: expected "", got "\\n": echo')
	t.raises(function() machine:prints("printf a", "a\n") end, 'expected "a\\n", got "a"')
	t.raises(function() machine:prints("echo a; echo b", "a\nc") end, "machine: the texts differ from line 2 on: echo a; echo b")
	t.raises(function() machine:prints("echo a; exit 3", "a") end, "failed with status 3")
	t.contains(failure(function() machine:prints("echo a", "a", { user = "nosuch" }) end), "did not run to its end")
	t.raises(function() t.contains(("x"):rep(300), "y") end, 'the text has no "y" in it')
	t.raises(function() t.contains("a\0b\n", "c") end, '"a\\x00b\\n" has no "c" in it')
	t.contains(failure(function() machine:expect_crash("") end), "empty")
	t.contains(failure(function() machine:expect_crash("oopss") end), "did you mean oops?")
	t.contains(failure(function() t:equal(1, 1) end), "did you mean t.equal(")
	t.equal(t.raises(function() error({ code = 5 }) end), "an error that is no text: {code = 5}")
	t.contains(failure(function() t.raises(function() machin:succeed("true") end) end), "did you mean machine?")
	t.contains(failure(function() machine:expect_crash("oops", function() machine:sucseed("true") end) end), "did you mean")
	t.contains(failure(function() machine:expect_crash("oops", function() t.equal(1, 2) end) end), "expected 2")
	t.contains(failure(function() machine:expect_crash("oops", function() skip("not here") end) end), "not here")

	-- A report ends where its kernel says nothing more.
	machine:expect_crash("kasan", function()
		report("BUG: KASAN: expected in f")
		machine:fail("true")
	end)
	-- Another kind's does not do.
	machine:expect_crash("KASAN: another")
	t.contains(failure(function()
		machine:expect_crash("lockdep", function() report("BUG: KASAN: another in g") end)
	end), "machine: no lockdep came")
	t.contains(failure(function() machine:expect_crash("x y", function() end, { timeout = 0.1 }) end), "not within 0.1 s: a report")

	-- One that ends by itself is not started again without a word.
	machine:succeed("poweroff")
	retry(function() return not machine:is_up() end)
	t.contains(failure(function() machine:succeed("true") end), "the test had not asked for that: it powered off")
	machine:start() -- that is known by now, too
	machine:crash()
	machine:start()

	-- Ends that are none in good order.
	machine:qmp("quit")
	t.contains(failure(function() machine:wait_for_shutdown() end), "it did not power off")
	machine:wait_for_shutdown() -- that is known by now
	machine:start()
	machine:qmp("quit")
	t.contains(failure(function() join_all() end), "it did not power off")
	machine:start()
	machine:crash()
	join_all()
end)

test("skips", function()
	report("BUG: KASAN: hidden in f")
	skip("not here")
end)

test("second", { expect = { "bug" } }, function()
	machine:expect_crash("kasan", function() report("BUG: KASAN: first in f") end)
	report("BUG: KASAN: second in report_bug")
	machine:wait_until_succeeds("[ ! -e /run/tried ] || sleep 100; touch /run/tried; echo why >&2; exit 3", { timeout = 4 })
end)

-- Values that can't say what they are.
local function odd(fn)
	return function() error(setmetatable({ code = 5 }, { __tostring = fn })) end
end
test("odd", odd(function() error("x") end))
test("odd type", odd(function() return {} end))
test("odd loop", odd(function() while true do end end))
test("good", odd(function(self) return "code " .. self.code end))

test("parts", function()
	subtest("outer", function() subtest("in\nner", function() t.fail("not\nso") end) end)
end)
EOF

expect 1 "$VIV" test --log -j 2 --results results verdicts.test.lua
out_has "1 passed, 5 failed, 2 crashed"
grep -qE '^parts +\|     ner: fail ' out || fail "a name of two lines breaks the log's"
grep -qx '    so' out || fail "a reason of two lines does"
# Several at once: whose a line is stands before it.
grep -qE '^checks +\| machine: typing: "x\\n"$' out || fail "no line says what checks types"
grep -qE '^skips +\| machine# ' out || fail "no line says what the machine of skips says"
grep -qE '^checks +\| a\\x00b$' out || fail "a NUL is not shown"
cat out err | grep -qF "machine: warning: the guest: /x is odd" || fail "what the guest's init warns of is not said"
missing="not found (status 127): the command itself is missing"
[ "$(grep -cF "machine: warning: no-such-command: $missing" out)" = 1 ] || fail "a missing command is not warned of once"
out_has "machine: warning: jq: $missing; Debian's package jq has jq: environment.systemPackages = { \"jq\" }"
out_has "machine: warning: tcpdump: not found"
grep -q "warning: fio" out && fail "a test may look for a program"
grep -q "machine: stderr: that is seen$" out || fail "stderr of a command that passed is not shown"
jq -es 'any(.[]; .text == "that is seen" and .event == "output" and .machine == "machine" and .stream == "stderr")' \
	results/*checks*/events.jsonl >/dev/null || fail "stderr of a command that passed is no event"
[ "$(grep -c 'machine: stderr: ' out)" -lt 2000 ] || fail "all of a long stderr"
out_has "bytes before)"
jq -es 'any(.[]; .event == "log" and .text == "true")' results/*checks*/events.jsonl >/dev/null || fail "log(true)"
out_has "{a = 1}"
out_has "did not succeed in time (status 3 at last, and another attempt was under way)"
grep -qx '      why' out || fail "what the last attempt wrote is not said"
verdict() { # TEST
	jq -r --arg name "$1" 'select(.name == $name) | "\(.verdict): \(.reason)"' results/results.jsonl
}
[ "$(verdict checks)" = "pass: null" ] || fail "checks: $(verdict checks)"
[ "$(verdict skips)" = "crash: machine: its kernel: BUG: KASAN: hidden in f" ] || fail "skips: $(verdict skips)"
[ "$(verdict second)" = "crash: machine: its kernel: BUG: KASAN: second in report_bug" ] || fail "second: $(verdict second)"
for name in odd "odd type" "odd loop"; do
	[ "$(verdict "$name")" = "fail: an error that is no text: {code = 5}" ] || fail "$name: $(verdict "$name")"
done
[ "$(verdict good)" = "fail: code 5" ] || fail "good: $(verdict good)"
