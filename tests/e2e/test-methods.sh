# SPDX-License-Identifier: MIT
# Methods of machines in tests: units, waits, files, networks between two machines; what they leave in the results.
. "$(dirname "$0")/lib.sh"

cp -r "$tests/e2e/test-methods/." .
expect 0 "$VIV" test --results results methods.test.lua
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
