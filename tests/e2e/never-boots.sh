# SPDX-License-Identifier: MIT
# slow
# Machines that never come up: one hangs before its agent is there, the init of another one does, the firmware of a third finds
# nothing to start. The time limit's verdict says so, with the console's last lines.
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip "jq is missing"
[ ! -f "$shared/minimal.lock" ] || cp "$shared/minimal.lock" vm.lock
cat >early.lua <<'EOF'
imports = { "profiles/minimal" }
boot.postBootCommands = "echo it hangs before init; exec sleep 1000000"
EOF
cat >late.lua <<'EOF'
imports = { "profiles/minimal" }
environment.etc.hang = { mode = "0755", text = "#!/bin/sh\necho init hangs >/dev/console\nexec sleep 1000000\n" }
boot.kernelParams = { "viv.init=/etc/hang" }
EOF
cat >a.test.lua <<'EOF'
machines.early = { imports = { "./early.lua" } }
machines.late = { imports = { "./late.lua" } }
machines.bare = { virtualisation = { directBoot = { enable = false }, diskImage = null } }

test("early", function()
	early:wait_for_console_text("it hangs before init")
	early:succeed("true", { timeout = 1 })
end)
test("late", function()
	late:wait_for_console_text("init hangs")
	late:succeed("true", { timeout = 1 })
end)
test("limit", { timeout = 30 }, function() late:succeed("true") end)
test("bare", function()
	bare:wait_for_console_text("No bootable device")
	bare:wait_for_console_text("login:", { timeout = 1 })
end)
EOF
for file in early late; do expect 0 "$VIV" build -q --no-link $file.lua; done

# They wait, and have little to do: all at once.
for file in early late; do
	"$VIV" run -q --name $file --timeout 30s --status $file.json $file.lua -- true 2>$file.err &
	runs+=($!)
done
expect 1 "$VIV" test --jobs 4 --results results a.test.lua
out_has "3 failed, 1 timed out"
verdict_is() { # TEST VERDICT LINE
	local is
	is=$(jq -r --arg name "$1" 'select(.name == $name) | "\(.verdict): \(.reason)"' results/results.jsonl)
	[ "$is" = "$2" ] || fail "$1: $is"
	jq -r --arg name "$1" 'select(.name == $name).details' results/results.jsonl | grep -q "$3" || fail "$1: no \"$3\" of its console"
}
verdict_is early "fail: early: its system was not up within 1 s" "it hangs before init"
verdict_is late "fail: late: its system was not up within 1 s" "init hangs"
verdict_is limit "timeout: the test's time was up while waiting for its system" "init hangs"
verdict_is bare 'fail: bare: not within 1 s: "login:" on its console' "No bootable device"

for file in early late; do
	wait "${runs[0]}"
	s=$?
	runs=("${runs[@]:1}")
	[ $s = 124 ] || fail "viv run of $file: status $s: $(cat $file.err)"
	jq -e '.kind == "timeout" and .reason == "time limit of 30 s reached before the system was up"' $file.json >/dev/null ||
		fail "$file: $(cat $file.json)"
done
grep -q "it hangs before init" early.err || fail "nothing of early's console: $(cat early.err)"
grep -q "init hangs" late.err || fail "nothing of late's console: $(cat late.err)"
