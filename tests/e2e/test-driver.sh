# SPDX-License-Identifier: MIT
# `viv test` as a whole: what a file's tests are, which of them run, what came of them, in every form that it is told
# in; two at once that know nothing of each other; one again that failed; Ctrl-C; a reader who stops. Four boots.
. "$(dirname "$0")/lib.sh"

for p in jq python3; do
	command -v $p >/dev/null || skip "$p is missing"
done
[ ! -f "$shared/minimal.lock" ] || cp "$shared/minimal.lock" vm.lock

export XDG_STATE_HOME=$work/state
mkdir -p tests/deeper meet
cat >tests/pair.test.lua <<'EOF'
local colour = matrix("colour", { "red", "blue" })
local greeting = param("greeting", "hello")
local addresses = { red = "192.168.1.11", blue = "192.168.1.12" }

machine.imports = { "profiles/minimal" }
machine.packages.lockFile = "../vm.lock"
machine.environment.etc.colour.text = colour
machine.networking.interfaces.eth1.ipv4.addresses = { { address = addresses[colour], prefixLength = 24 } }
machine.virtualisation.sharedDirectories.meet = { source = "../meet", target = "/meet", readOnly = false }

test("meets nobody", function()
	local other = colour == "red" and "blue" or "red"
	subtest("is what the file says", function()
		t.equal(machine:succeed("cat /etc/colour"), colour)
		subtest("by its address, too", function()
			machine:succeed("ping -c 1 " .. addresses[colour])
		end)
	end)
	-- The other runs at the same time, and stays until this one has looked: on a segment of its own.
	subtest("has its segment for itself", function()
		-- What comes in a share is seen there, and through an overlay over it.
		machine:succeed("mkdir -p /run/o/upper /run/o/work /run/over && mount -t overlay -o " ..
			"lowerdir=/meet,upperdir=/run/o/upper,workdir=/run/o/work overlay /run/over")
		machine:succeed("touch /meet/" .. colour)
		machine:wait_for_file("/run/over/" .. other)
		machine:fail("ping -c 1 -W 3 " .. addresses[other])
		machine:succeed("touch /meet/looked-" .. colour)
		machine:wait_for_file("/meet/looked-" .. other)
	end)
	log("attempt " .. attempt())
	t.raises(function() t.equal("a\nb\n", "a\nc\n", "both") end, "both: the texts differ from line 2 on")
	if colour == "red" then
		machine:succeed("test -e /meet/again || { touch /meet/again; echo 'not yet' >&2; exit 3; }")
	end
end)

test("given", function()
	log("it is " .. greeting)
	t.equal(greeting, "good day")
	t.equal(({ [machine] = "kept" })[machine], "kept")
end)
test("later", { skip = "not today" }, function() end)
EOF
cat >tests/deeper/sum.test.lua <<'EOF'
machine.imports = { "profiles/minimal" }
machine.packages.lockFile = "../../vm.lock"
local function check()
	t.equal(1 + 1, 3, "the sum")
end
function test()
	check()
end
EOF
cat >tests/hang.test.lua <<'EOF'
machine.imports = { "profiles/minimal" }
machine.packages.lockFile = "../vm.lock"
machine.networking.hostName = "hangs"
test("hangs", function()
	machine:start()
	machine:wait_for_console_text("what nobody says")
end)
EOF

# Which there are.
expect 0 "$VIV" test --list tests
out_is 'tests/deeper/sum.test.lua: sum
tests/hang.test.lua: hangs
tests/pair.test.lua: meets nobody [colour=red]
tests/pair.test.lua: given [colour=red]
tests/pair.test.lua: later [colour=red] (skipped)
tests/pair.test.lua: meets nobody [colour=blue]
tests/pair.test.lua: given [colour=blue]
tests/pair.test.lua: later [colour=blue] (skipped)'
sort out >all
expect 0 "$VIV" test --list --json --only given tests
[ "$(jq -r '.[] | "\(.file):\(.line) \(.name)"' out | sort -u)" = 'tests/pair.test.lua:37 given' ] || fail "the list in JSON"
# Each shard has its own, all of them have all.
for i in 1 2 3; do
	expect 0 "$VIV" test --list --shard $i/3 tests
	[ -s out ] || fail "nothing in shard $i"
	cat out
done | sort >shards
cmp all shards || fail "the shards: $(cat shards)"

# A file that can't be loaded is no test: it is told, and all is not well.
cp -r tests wrong
echo 'test("x", function( end)' >wrong/broken.test.lua
expect 1 "$VIV" test --list wrong
[ "$(wc -l <out)" = 8 ] || fail "the list beside a file that can't be loaded: $(cat out)"
err_has "wrong/broken.test.lua:1: not valid Lua"
expect 1 "$VIV" test --list --json wrong
[ "$(jq -r '.[] | select(.error).file' out)" = wrong/broken.test.lua ] || fail "the error in JSON"
rm -r wrong

# What is none.
expect 125 "$VIV" test --jobs 0 tests
err_has "--jobs 0: expected a number from 1 to 1000"
expect 125 "$VIV" test --none tests
expect 125 "$VIV" test -i --json tests
expect 125 "$VIV" test --tap --json tests
err_has "--json and --tap exclude each other"
expect 125 "$VIV" test --report tests
err_has '"tests": --report runs no tests'
expect 125 "$VIV" test --timeout 0 tests
err_has '--timeout: expected a time such as 90s'
expect 125 "$VIV" test --shard 4/3 tests
err_has "--shard 4/3: expected I/N"
expect 125 "$VIV" test --only nothing tests
err_has "there is no test of that name"
expect 125 "$VIV" test --param nothing=1 tests
err_has "--param nothing: no test file asks for it"
expect 125 "$VIV" test tests/none.test.lua
err_has "tests/none.test.lua"

# A parameter decides; the default would not do. Results are the state's where nothing is said.
expect 1 "$VIV" test --only 'given [colour=red]' tests
out_has 'fail    tests/pair.test.lua: given [colour=red]'
out_has 'tests/pair.test.lua:39: expected "good day", got "hello"'
out_has '0 passed, 1 failed'
expect 0 "$VIV" test --only given --param greeting="good day" --tap tests
cp out first.tap
[ "$(grep -E '^(TAP|1\.\.|ok|not ok)' out)" = 'TAP version 14
1..2
ok 1 - tests/pair.test.lua: given [colour=blue]
ok 2 - tests/pair.test.lua: given [colour=red]' ] || fail "TAP"
expect 0 "$VIV" test --report --tap
cmp out first.tap || fail "the report is not what the run said"

# All of them but one: two at once, one a second time.
args=(--jobs 2 --retry 1 --param greeting="good day" --results results --durations durations
	--only pair --only sum tests)
expect 1 timeout 900 "$VIV" test --json "${args[@]}"
cp out events
jq -e . events >/dev/null || fail "not every line is JSON"
jq -r 'select(.event == "result").result | "\(.verdict) \(.title) \(.attempt)"' events | sort >verdicts
diff - verdicts <<'EOF' || fail "the verdicts"
fail tests/deeper/sum.test.lua: sum 1
fail tests/deeper/sum.test.lua: sum 2
fail tests/pair.test.lua: meets nobody [colour=red] 1
pass tests/pair.test.lua: given [colour=blue] 1
pass tests/pair.test.lua: given [colour=red] 1
pass tests/pair.test.lua: meets nobody [colour=blue] 1
pass tests/pair.test.lua: meets nobody [colour=red] 2
skip tests/pair.test.lua: later [colour=blue] 1
skip tests/pair.test.lua: later [colour=red] 1
EOF
[ "$(jq -r 'select(.event == "log" and .test == "tests/pair.test.lua: given [colour=red]").text' events)" = \
	"it is good day" ] || fail "no log"
[ "$(jq -r 'select(.event == "log" and (.test | contains("red")) and (.text | startswith("attempt"))).text' events)" = \
	"attempt 1
attempt 2" ] || fail "the attempts"
jq -es 'any(.[] | select(.event == "result").result; .verdict == "fail" and (.title | contains("red")) and
	(.reason | contains("failed with status 3")) and (.details | contains("not yet")))' events >/dev/null ||
	fail "why it failed is not said"

# How long what took a while did, also among what a test leaves.
long='select(.event == "done" and .machine == "machine" and (.text | startswith("must fail: ping")) and .took_ms >= 1000 and (.failed | not))'
jq -es "any(.[]; $long)" events >/dev/null || fail "no duration"
cat results/*meets*/events.jsonl | jq -es "[.[] | $long] | length > 1 and all(.test | not)" >/dev/null || fail "no duration in the results"

expect 1 "$VIV" test --report --results results
out_has 'pass    tests/pair.test.lua: meets nobody [colour=red]'
out_has "tests/deeper/sum.test.lua:4: the sum: expected 3, got 2"
out_has "sum.test.lua:7: in test 'sum'"
out_has '4 passed, 1 failed, 2 skipped'
expect 1 "$VIV" test --report --results results --tap
cmp out results/results.tap || fail "two TAPs"
for line in 'TAP version 14' '1..7' '    ok 1 - is what the file says' '        ok 1 - by its address, too' \
	'    ok 2 - has its segment for itself' '  attempt: 2'; do
	out_has "$line"
done
grep -qE '^ok [1-7] - tests/pair.test.lua: later \[colour=red\] # SKIP not today$' out || fail "TAP's skip"
grep -qE '^not ok [1-7] - tests/deeper/sum.test.lua: sum$' out || fail "TAP's failure"
expect 0 python3 - <<'EOF'
import xml.etree.ElementTree as tree
for suite in tree.parse("results/junit.xml").getroot():
    print(*(suite.get(k) for k in ("name", "tests", "failures", "errors", "skipped")))
    for case in suite:
        print(" ", case.get("name"), *(e.tag for e in case if e.tag != "system-out"))
EOF
sort -o out out
diff - out <<'EOF' || fail "JUnit"
  given [colour=blue]
  given [colour=red]
  later [colour=blue] skipped
  later [colour=red] skipped
  meets nobody [colour=blue]
  meets nobody [colour=red] flakyFailure
  sum failure rerunFailure
tests/deeper/sum.test.lua 1 1 0 0
tests/pair.test.lua 6 0 0 2
EOF
[ "$(grep -l 'viv-init\|Linux\|runit' results/*/machine.console.log | wc -l)" = 3 ] || fail "the consoles: $(ls results/*)"
# The longest first, the next time.
jq '."tests/pair.test.lua: meets nobody [colour=red]" += 9e6 | ."tests/pair.test.lua: meets nobody [colour=blue]" += 8e6' \
	durations >longer
expect 0 "$VIV" test --list --durations longer tests
grep -n 'meets nobody' out | cut -d: -f1 | tr '\n' ' ' >places
[ "$(cat places)" = "1 2 " ] || fail "the order"

# Ctrl-C: nothing stays, and what ran has its result. (A shell's background job would not hear it.)
mkfifo said
env --default-signal=INT "$VIV" test --json --results stopped --only hangs tests >said 2>err &
viv=$!
exec 4<said
while read -r line <&4; do [[ $line != *"what nobody says"* ]] || break; done
expect 0 "$VIV" ps --json
qemu=$(jq -r '.[] | select(.name == "hangs").qemu_pid' out)
[ -d "/proc/${qemu:-none}" ] || fail "the machine is not listed"
kill -INT $viv
cat <&4 >last
wait $viv
[ $? = 130 ] || fail "not the status of Ctrl-C"
wait_dead "$qemu"
expect 0 "$VIV" ps --json
[ "$(jq length out)" = 0 ] || fail "still listed"
# The folder itself stays: other tests, also another viv test's, are about to make theirs in it.
[ -d "$XDG_RUNTIME_DIR/viv/.tests" ] || fail "the folder of all tests is gone"
[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv/.tests")" ] || fail "left: $(ls -A "$XDG_RUNTIME_DIR/viv/.tests")"
expect 1 "$VIV" test --report --results stopped
out_has interrupted

# Whoever reads may take his time: limits count all the same, and of what he gets then only lines of the log are missing.
cat >tests/flood.test.lua <<'EOT'
machine.imports = { "profiles/minimal" }
machine.packages.lockFile = "../vm.lock"
test("floods", function()
	local much = ("x"):rep(8000)
	while true do log(much) end
end)
EOT
mkfifo unread told
"$VIV" test --log --timeout 2s --results flooded tests/flood.test.lua >unread 2>told &
viv=$!
exec 4<unread 5<told
while read -r line <&5; do [[ $line != *"results: "* ]] || break; done
[ -e flooded/junit.xml ] || fail "it waited for its reader"
cat <&4 >out
wait $viv
[ $? = 1 ] || fail "not the status of a failure"
out_has 'timeout tests/flood.test.lua: floods'
out_has '0 passed, 0 failed, 1 timed out'
grep -qE '^\[[0-9]+ lines are left out' out || fail "nothing is left out"
