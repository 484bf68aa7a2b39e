# SPDX-License-Identifier: MIT
# Methods of machines in tests: units, waits, files, networks between two machines; what they leave in the results.
. "$(dirname "$0")/lib.sh"

# What a call can't do is said before a machine is started for it, with its line.
quick_machine
cat >quick.test.lua <<'E2'
machine.system.init = "none"
test("units", function()
	machine:wait_for_unit("nginx")
end)
test("files", function()
	machine:copy_from_host("./none", "/tmp")
end)
E2
expect 1 "$VIV" test --jobs 1 quick.test.lua
cat "$work/out" "$work/err" >all
for text in 'it has no units: system.init is "none"' quick.test.lua:3 'none: No such file or directory' quick.test.lua:6; do
	grep -qF -- "$text" all || fail "not said: $text"
done
! grep -q SeaBIOS all || fail "a machine was started for it"

cp -r "$tests/e2e/test-methods/." .
[ ! -f "$shared/methods.lock" ] || cp "$shared/methods.lock" vm.lock
expect 0 "$VIV" test --results results methods.test.lua
cp vm.lock "$shared/methods.lock.$$"
mv "$shared/methods.lock.$$" "$shared/methods.lock"
out_has "methods.test.lua: methods"

folder=$(echo results/methods*)
for f in copied/here/tree/one copied/here/tree/sub/two uno coverage/client/gcov/src/a.gcda coverage/client/kernel/src/k.gcda; do
	[ -f "$folder/$f" ] || fail "no $f in the results"
done
[ "$(readlink "$folder/coverage/client/kernel/src/k.gcno")" = /build/src/k.gcno ] || fail "notes of the kernel's coverage"
[ "$(readlink "$folder/out/link")" = /tmp ] || fail "the link is not there"
# Of a segment's frames each is there once: Ethernet, and whole (draft-ietf-opsawg-pcap).
[ "$(od -An -tx4 -N4 "$folder/vlan-1.pcap" | tr -d ' ')" = a1b2c3d4 ] || fail "no pcap file"
[ "$(od -An -tu4 -j20 -N4 "$folder/vlan-1.pcap" | tr -d ' ')" = 1 ] || fail "the pcap file is not Ethernet's"
