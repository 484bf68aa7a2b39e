# SPDX-License-Identifier: MIT
# slow
# viv test -i: a prompt before the test and where it fails, on a terminal, without libedit and from a pipe; and --keep.
. "$(dirname "$0")/lib.sh"

export XDG_STATE_HOME=$work/state
quick_machine
cat >a.test.lua <<'EOF'
machine = "./vm.lua"
test("stops", function()
  local here = "kept"
  machine:succeed("touch /tmp/mark")
  t.equal(here, "gone")
end)
test("none", function()
  local x = 5
  t.equal(x, 6)
end)
EOF
# What is kept must not outlive a test that fails here.
trap '"$VIV" stop machine machine-2 >/dev/null 2>&1; cleanup' EXIT
# What appeared, without the terminal's own.
shown() { sed 's/\x1b\[[0-9;?]*[A-Za-z]//g; s/\r//g' "$work/out"; }
has() { shown | grep -qF -- "$1" || fail "it shows no \"$1\""; }
typing() { # STATUS LIMIT [WAIT-FOR TYPE]… -- ARGUMENT…: of viv test
	local want=$1 steps=()
	shift
	while [ "$1" != -- ]; do steps+=("$1"); shift; done
	shift
	expect "$want" "$tests/e2e/terminal.py" "${steps[@]}" -- "$VIV" test "$@"
}
nobody_is_left() {
	expect 0 "$VIV" ps --json
	out_is "[]"
	[ -z "$(ls "$XDG_RUNTIME_DIR/viv/.tests" 2>/dev/null)" ] || fail "folders of tests are left"
}

# A session on a terminal: what is waited for is never what was typed.
typing 1 600 \
	'viv> ' '6 * 7\r' \
	'42' 'mach\t:succ\t("echo sum $((40 + 60))")\r' \
	'sum 100' 'nobody:succeed("true")\r' \
	'nobody is not defined' 'machine:suceed("true")\r' \
	'did you mean succeed?' 'x = = 1\r' \
	'unexpected symbol' 'for i = 1, 2 do\r' \
	'>> ' 'log("at " .. i * 100)\r' \
	'>> ' 'end\r' \
	'at 200' 'x = 2000\r' \
	'viv> ' 'x + 26\r' \
	'2026' '\x10\r' \
	'2026' 'x = 1 + \x03' \
	'viv> ' 'for i = 1, 2 do\r' \
	'>> ' '\x03' \
	'viv> ' '"a" .. "b"\r' \
	'ab' 'machine:wait_until_succ\t"false")\r' \
	'waiting for success' '\x03' \
	'interrupted' 'machine:succeed("sleep 1000")\r' \
	'must succeed: sleep' '\x03' \
	'interrupted' 'machine:shell()\r' \
	'# ' 'echo $((20 + 3)); tty\r' \
	'23' 'exit\r' \
	'viv> ' 'help kselft\r' \
	'run_kselftest.sh' 'test\r' \
	'failed> ' 'here .. "!"\r' \
	'kept!' 'here = machine:succeed("ls /tmp/mark; echo sum $((50 + 5))")\r' \
	'must succeed: ls' 'here\r' \
	'sum 55' '' \
	'failed> ' '\x04' \
	'fail: expected' 'machine:is_up()\r' \
	'true' 'quit\r' \
	-- -i --keep --only stops a.test.lua
has "Machines: machine."
has "stopped at line 5 of a.test.lua:"
has 'expected "gone", got "kept"'
has "/dev/pts/"
has "machine: runs on: viv shell machine, viv exec machine -- CMD, viv stop machine"
has "0 passed, 1 failed"
grep -q 'x.*+.*26' "$XDG_STATE_HOME/viv/test-history" || fail "the lines are not in the history"

# What is kept can be used, and is in nobody's way: another run has machines of its own.
expect 0 "$VIV" exec machine -- ls /tmp/mark
out_is /tmp/mark
expect 0 "$tests/e2e/terminal.py" 300 '# ' 'echo $((20 + 3))\r' '23' 'exit\r' -- "$VIV" shell machine
expect 1 "$VIV" test --keep --only stops a.test.lua
out_has "machine: runs on: viv shell machine-2, viv exec machine-2 -- CMD, viv stop machine-2"
expect 0 "$VIV" ps --json
[ "$(jq -r '.[].name' out | sort | tr '\n' ' ')" = "machine machine-2 " ] || fail "not the two machines that were kept"
pids=$(jq -r '.[].pid' out)
expect 0 "$VIV" stop machine machine-2
for pid in $pids; do wait_dead "$pid"; done
nobody_is_left

# From a pipe: lines as they come; its end is Ctrl-D.
piped() { # STATUS TEXT
	printf "$2" >lines
	expect "$1" sh -c '"$0" test -i --only none a.test.lua <lines' "$VIV"
}
piped 0 '6 * 7\nx = = 1\nfor i = 1, 2 do\nlog("at " .. i * 100)\nend\nhelp nothing\nquit\n'
out_has 42
out_has "unexpected symbol"
out_has "at 200"
out_has 'There is nothing with "nothing" in its name.'
out_has "left at the prompt"
piped 0 'error(setmetatable({}, { __tostring = function() error("x") end }))\nsetmetatable({}, { __tostring = function() error("x") end })\n6 * 8\nquit\n'
out_has "an error that is no text: {}"
out_has 48
piped 1 'x = 1'
out_has "stopped at line 9 of a.test.lua:"
out_has "expected 6, got 5"
piped 1 'continue\nx + 37\nx = 6\nx\nquit'
out_has "failed> 42"
piped 1 'for i = 1, 2 do\n'
out_has "it has no end: for i = 1, 2 do"

# Without libedit, on a terminal.
edit=$(ldconfig -p | awk '/libedit.so.2/ { print $NF; exit }')
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null && [ "$edit" ]; then
	expect 0 mounted "mount --bind /dev/null $(realpath "$edit")" "$tests/e2e/terminal.py" 300 \
		'viv> ' 'x = 6\r' 'viv> ' 'x * 7\r' '42' '\x03' 'viv> ' 'quit\r' -- "$VIV" test -i --only none a.test.lua
	has "left at the prompt"
fi

# What it is not for
expect 125 "$VIV" test -i a.test.lua
err_has "-i is for a single test, and there are 2"
expect 125 "$VIV" test -i --json --only none a.test.lua
err_has "-i is for people"
nobody_is_left
