# SPDX-License-Identifier: MIT
# slow
# examples/kernel-vm/vm.lua, as kernel-vm/kernel-vm.test.lua says; and what a test's machine that crashes leaves.
. "$(dirname "$0")/lib.sh"

expect 0 "$VIV" test --set "packages.lockFile=$work/vm.lock" --results results "$tests/e2e/kernel-vm/kernel-vm.test.lua"
dump=$(echo results/*/vm.vmcore)
[ -f "$dump" ] || fail "no dump in the results: $(ls results/*)"
grep -aq 'This service runs right near login' "$dump" || fail "the dump is not this machine's"
[ "$(stat -c %a "$dump")" = 600 ] || fail "others can read the dump"
