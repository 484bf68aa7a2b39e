# SPDX-License-Identifier: MIT
# viv test by hand: what is wrong in tests and how it is said, scripts as tests and Ctrl-C.
. "$(dirname "$0")/lib.sh"

quick_machine
cat >bad.test.lua <<'EOF'
machine = "./vm.lua"
test("unknown", function() machine:suceed("true") end)
test("dot", function() machine.succeed("true") end)
test("nobody", function() web:succeed("true") end)
test("loop", { timeout = 2 }, function()
  while true do end
end)
test("pattern", { timeout = 1 }, function()
  return string.find(string.rep("a", 60), string.rep("a-", 60) .. "b")
end)
test("dies", function()
  t.raises(function() machine:run_script("./none.sh") end, "none.sh: No such file")
  t.raises(function() machine:shell() end, "run it with viv test -i")
  t.contains(t.raises(function() machine:succeed_tap("echo 1..2; echo ok 1; echo not ok 2 - z") end), "z")
  local up = polling_condition(function() machine:succeed("test ! -e /gone") end, { interval = 0.1, description = "it" })
  up:during(function() machine:succeed("true") end)
  t.contains(t.raises(function()
    up(function() machine:succeed("sleep 1; touch /gone; sleep 300") end)
  end), "it does not hold any more: machine: failed with status 1: test ! -e /gone, while waiting for")
  local slow = false
  polling_condition(function() if slow then machine:succeed("sleep 300") end end, { interval = 0.1 }):during(function()
    slow = true
    t.raises(function() machine:succeed("sleep 200", { timeout = 2 }) end, "machine: not within 2 s: the end of: sleep 200")
    slow = false
  end)
  machine:succeed("echo o >/proc/sysrq-trigger; sleep 300")
end)
test("leaves it", function() machine:start() end)
test("stops", function()
  local here = "kept"
  machine:succeed("true")
  t.equal(here, "gone")
end)
EOF
echo 'test("x", function( end)' >broken.test.lua

# What a driver leaves that was killed with all of its processes goes when `viv ps` looks; what somebody holds stays.
runtime=$XDG_RUNTIME_DIR/viv
mkdir -p -m 700 "$runtime"/.tests/{4194301,4194302}/1 "$runtime"/{dead,held}
echo 4194301 1 >"$runtime/dead/pid"
echo 4194302 1 >"$runtime/held/pid"
flock -x "$runtime/.tests/4194302" "$VIV" ps >out || fail "viv ps"
[ "$(cd "$runtime" && echo .tests/* *)" = ".tests/4194302 held" ] || fail "left: $(cd "$runtime" && echo .tests/* *)"
flock -x "$runtime/held" "$VIV" ps >out || fail "viv ps"
[ "$(cd "$runtime" && echo .tests/* *)" = ".tests/* held" ] || fail "left: $(cd "$runtime" && echo .tests/* *)"
mkdir -p -m 700 "$runtime/.tests/4194302" # the run below finds these

# Each has its verdict and its line, and the others go on.
expect 1 "$VIV" test --log -j 2 --only : --only broken --results results bad.test.lua broken.test.lua
out_has "broken.test.lua:1: not valid Lua"
out_has "bad.test.lua:2: a machine has no method suceed (did you mean succeed?)"
out_has "bad.test.lua:3: machine.succeed is called with a dot: did you mean machine:succeed("
out_has "bad.test.lua:4: web is not defined"
out_has "bad.test.lua:6: the test's time was up"
out_has "bad.test.lua:9: the test's time was up"
out_has "bad.test.lua:26: machine: it powered off, while waiting for the end of: echo o"
out_has "machine: still running (started at bad.test.lua:28): ended"
out_has "pass    bad.test.lua: leaves it"
out_has "bad.test.lua:32: expected \"gone\", got \"kept\""
grep -q '"reason":"web is not defined; this file.s machines: machine",.*"verdict":"error"' results/results.jsonl || fail "no error: a name that is not there"
grep -q '"running":\["machine (started at bad.test.lua:28)"\]' results/results.jsonl || fail "what ran at the end is not told"
[ "$(wc -l <results/results.jsonl)" = 9 ] || fail "results.jsonl does not have 9 results"
nobody_is_left() {
	expect 0 "$VIV" ps --json
	out_is "[]"
	[ -z "$(ls "$XDG_RUNTIME_DIR/viv/.tests" 2>/dev/null)" ] || fail "folders of tests are left"
}
nobody_is_left

# A script; and Ctrl-C, which leaves results and no machine.
cat >s.sh <<'EOF'
#!/bin/sh
echo 1..2; echo "ok 1 - $1"; echo "ok 2 - b # SKIP no"
[ "$2" != wait ] || { echo asleep; exec sleep 300; }
exit $3
EOF
expect 0 "$VIV" test --tap -- ./s.sh 'a b' - 0
out_has "ok 1 - a b"
out_has "ok 2 - b # SKIP no"
expect 130 "$tests/e2e/terminal.py" 300 'asleep' '\x03' -- "$VIV" test --results results -- ./s.sh a wait
grep -q '"reason":"interrupted"' results/results.jsonl || fail "no result of what was interrupted"
nobody_is_left
expect 125 "$VIV" test -- ./none.sh
err_has "./none.sh: No such file"

