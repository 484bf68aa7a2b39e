# SPDX-License-Identifier: MIT
# slow
# Tests while things go wrong around them: scripts that do not end, disks that are full, folders that others have, that are
# read-only or gone. Each has a verdict that names the cause, the other tests go on, and nothing is left. No boot.
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip "jq is missing"
needs_root
[ ! -f "$shared/minimal.lock" ] || cp "$shared/minimal.lock" vm.lock
export XDG_STATE_HOME=$work/state

verdict() { # TEST [RESULTS]
	jq -r --arg name "$1" 'select(.name == $name) | "\(.verdict) \(.place): \(.reason)"' "${2:-results}/results.jsonl"
}
verdict_is() { # TEST VERDICT
	[ "$(verdict "$1")" = "$2" ] || fail "$1: $(verdict "$1")"
}
nothing_left() {
	expect 0 "$VIV" ps --json
	[ "$(jq length out)" = 0 ] || fail "a machine still runs: $(cat out)"
	[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv" | grep -v '^\.tests$')" ] || fail "left: $(ls -A "$XDG_RUNTIME_DIR/viv")"
	[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv/.tests" 2>/dev/null)" ] || fail "left in .tests"
}

# Scripts that do not end, or grow.
cat >lua.test.lua <<'EOF'
machine.imports = { "profiles/minimal" }
test("loop", { timeout = 1 }, function() while true do end end)
test("in pcall", { timeout = 1 }, function()
	while true do pcall(function() while true do end end) end
end)
test("pattern", { timeout = 1 }, function()
	pcall(string.find, ("a"):rep(40), ("a*"):rep(30) .. "b")
end)
test("text", function() return ("a"):rep(1000000000) end)
test("growing", function() local t = {} while true do t[#t + 1] = { #t } end end)
test("recursion", function() local function f() return 1 + f() end f() end)
test("recursion in pcall", { timeout = 1 }, function() local function f() pcall(f) f() end f() end)
test("last", function() t.equal(1, 1) end)
EOF
expect 1 timeout 900 "$VIV" test --jobs 1 --results results lua.test.lua
out_has "1 passed, 1 failed, 2 could not be run, 4 timed out"
verdict_is loop "timeout lua.test.lua:2: the test's time was up"
verdict_is "in pcall" "timeout lua.test.lua:4: the test's time was up"
verdict_is pattern "timeout lua.test.lua:7: the test's time was up (an endless loop?)"
verdict_is text "error lua.test.lua:9: the test takes too much memory"
verdict_is growing "error lua.test.lua:10: the test takes too much memory"
verdict_is recursion "fail lua.test.lua:11: a function calls itself without an end"
verdict_is "recursion in pcall" "timeout lua.test.lua:12: the test's time was up"
verdict_is last "pass null: null"

# Results that can't be written: said, with status 125, and no half-made folder in the way of the next run.
cat >quick.test.lua <<'EOF'
machine.imports = { "profiles/minimal" }
test("one", function() end)
test("two", function() end)
EOF
mkdir small
full() { # BLOCKS COMMAND…: with so many pages of 4 KiB left in small
	local blocks=$1
	shift
	mounted "mount -t tmpfs -o size=1m none $work/small; dd if=/dev/zero of=$work/small/fill bs=4k count=$((256 - blocks)) status=none" "$@"
}
expect 125 full 0 "$VIV" test --results small/results quick.test.lua
err_has "No space left on device"
for blocks in 1 2 3 4 5; do
	full "$blocks" sh -c '"$VIV" test --results small/results quick.test.lua; s=$?
		rm small/fill; "$VIV" test --results small/results quick.test.lua >again 2>&1 || { cat again; exit 9; }
		exit $s' >out 2>err
	s=$?
	case $s in
	125) err_has "No space left on device" ;;
	0) ;;
	*) fail "status $s with $blocks blocks left" ;;
	esac
	[ "$s" = 0 ] || [ ! -s out ] || out_has "passed"
done
XDG_STATE_HOME=$work/small expect 125 full 0 "$VIV" test quick.test.lua
err_has "No space left on device"
expect 125 mounted "mount --bind $work/small $work/small; mount -o remount,ro,bind $work/small" "$VIV" test --results small/results quick.test.lua
err_has "small/results: Read-only file system"
# The machines' own folder: the test that starts one says so.
cat >start.test.lua <<'EOF'
machine.imports = { "profiles/minimal" }
test("starts", function() machine:succeed("true") end)
test("does not", function() end)
EOF
mkdir -m 700 rt
XDG_RUNTIME_DIR=$work/rt expect 1 mounted "mount -t tmpfs -o size=1m,nr_inodes=4,mode=0700 none $work/rt" \
	"$VIV" test --jobs 1 --results results start.test.lua
[[ "$(verdict starts)" == *"No space left on device" ]] || fail "starts: $(verdict starts)"

# Two at once: not into one folder of results, but over one store and one folder of tests.
mkfifo said
cat >held.test.lua <<'EOF'
machine.imports = { "profiles/minimal" }
test("held", function() log("it runs") retry(function() return false end, { timeout = 600 }) end)
EOF
"$VIV" test --json --results results held.test.lua >said 2>err1 &
first=$!
"$VIV" test --results results-2 --only "does not" start.test.lua >out2 2>err2 &
second=$!
exec 4<said
while read -r line <&4; do [[ $line != *'it runs'* ]] || break; done
wait $second || fail "the second: $(cat err2)"
expect 125 "$VIV" test --results results quick.test.lua
err_has "another viv test writes its results there"
# Its results go while it runs.
rm -r results
kill -INT $first
cat <&4 >last
wait $first
s=$?
[ $s = 130 ] || [ $s = 125 ] || fail "status $s when the results went"
grep -q "no results of viv test are there" err1 || fail "that the results are gone is not said: $(cat err1)"
nothing_left
