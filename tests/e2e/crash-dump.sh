# SPDX-License-Identifier: MIT
# boot.crashDump: what was in memory when the kernel panicked is a file on the host.
. "$(dirname "$0")/lib.sh"

quick_machine
echo 'boot.crashDump = { enable = true, reservedMemory = 144 }' >>vm.lua
expect 125 "$VIV" run -q --memory 384 -- true
err_has "virtualisation.memorySize: boot.crashDump reserves 144 MiB of it: it must be 400 MiB at least"
mkdir here

# The panic's status and text are as without.
cat >crash <<'END'
grep -c '^1$' /sys/kernel/kexec_crash_loaded
echo "the last words: $((6 * 7))" >/dev/kmsg
echo c >/proc/sysrq-trigger
sleep 600
END
cd here || fail cd
touch vm.vmcore
expect 120 "$VIV" run --memory 512 --status ../status.json ../vm.lua -- sh -c "$(cat ../crash)"
out_is 1
err_has "viv: crash dump: $work/here/vm-2.vmcore"
err_has "the guest's kernel panicked: Kernel panic - not syncing: sysrq triggered crash"
grep -q '"crash_dump": ".*/vm-2.vmcore"' ../status.json || fail "--status has no crash_dump"
[ ! -s vm.vmcore ] || fail "a file that was there was written over"
[ "$(stat -c %a vm-2.vmcore)" = 600 ] || fail "others can read the dump"

# It is a core file of the kernel's, with what it has said last; and a sparse one.
readelf -h vm-2.vmcore | grep -q 'CORE' || fail "no core file"
readelf -n vm-2.vmcore | grep -q VMCOREINFO || fail "no VMCOREINFO"
grep -aq 'the last words: 42' vm-2.vmcore || fail "the dump lacks the last words"
[ "$(stat -c %s vm-2.vmcore)" -gt $((300 << 20)) ] || fail "it is too small"
[ "$(($(stat -c %b vm-2.vmcore) * 512))" -lt $((350 << 20)) ] || fail "it is not sparse"
if command -v makedumpfile >/dev/null; then
	makedumpfile --dump-dmesg vm-2.vmcore dmesg >/dev/null 2>&1 || fail "makedumpfile doesn't know it"
	grep -q 'Kernel panic - not syncing: sysrq triggered crash' dmesg || fail "no panic in the dump"
fi
rm vm-2.vmcore
