# SPDX-License-Identifier: MIT
# A test's machine seen and typed at: its screen, its keyboard, QEMU's monitor, terminals.
. "$(dirname "$0")/lib.sh"

command -v gensquashfs >/dev/null || skip "gensquashfs is missing"
[ ! -f "$shared/minimal.lock" ] || cp "$shared/minimal.lock" vm.lock

cat >screen.test.lua <<'E2'
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

-- It is not even started for that.
test("none", function()
  t.raises(function() none:get_screen_text() end, "none: it has no screen: set virtualisation.textScreen = true")
  t.is_false(none:is_up())
end)

test("screen", function()
  machine:wait_for_text("^~ #", { timeout = 120 })
  machine:send_chars("echo A-$((6*7)) '~!@#$%^&*()_+`-=[]{};:\\|,.<>/?\"QWzx'\n")
  machine:wait_for_text("A-[4]2", { timeout = 60 })
  t.equal(machine:get_screen_text():match("\nA%-42 ([^\n]*)\n"), "~!@#$%^&*()_+`-=[]{};:\\|,.<>/?\"QWzx")
  t.equal(machine:screenshot("shell"):match("[^/]*$"), "shell.png")

  machine:send_chars("echo B-$((6*7))\n")
  machine:wait_until_tty_matches("1", "^B-42", { timeout = 60 })
  t.equal(machine:get_tty_text("tty1"):match("\nB%-42\n"), "\nB-42\n")

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
  misuse()

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
E2
expect 0 "$VIV" test --results results screen.test.lua
png=$(find results -name shell.png)
[ "$(head -c 8 "$png" | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ] || fail "no PNG: $png"
cp "$tests/../examples/tests/boot.lua" boot.test.lua
expect 0 "$VIV" test --results booted boot.test.lua
[ "$(find booted -name postboot.png | wc -l)" = 1 ] || fail "no picture"
left=$(find "$XDG_RUNTIME_DIR/viv" -mindepth 1 ! -name .tests 2>/dev/null)
[ -z "$left" ] || fail "something is left: $left"
