# SPDX-License-Identifier: MIT
# The exit status of `viv run`: the command's own, and what is not the command's.
. "$(dirname "$0")/lib.sh"

quick_machine
run() { "$VIV" run -q --status status.json "$@"; }
kind_is() { grep -q "\"kind\": \"$1\"" status.json || fail "not \"$1\": $(cat status.json)"; }

expect 0 run -- true
kind_is exit
expect 7 run -- sh -c 'echo out; echo err >&2; exit 7'
out_is out
[ "$(cat err)" = err ] || fail "stderr has more than the command's"
# A number that means something else where it isn't the command's.
expect 121 run --timeout 5m -- sh -c 'exit 121'
kind_is exit
expect 143 run -- sh -c 'kill $$'
expect 137 run -- sh -c 'kill -9 $$'
kind_is exit
expect 127 run -- no-such-program
err_has "no-such-program: command not found in the guest"
expect 127 run -- "echo a | cat"
err_has "sh -c"
expect 126 run -- /etc/passwd

# Who runs it, with which kernel and which words for it. (Made a link: a kernel of the user's own.)
expect 0 "$VIV" build -o made
ln -s "$(realpath made/kernel)" own-vmlinux
modules="boot.kernelModulesTree=$(dirname "$(realpath made/kernel)")/modules"
VIV_KERNEL=$work/own-vmlinux expect 0 run --dry-run
out_has "-kernel $work/own-vmlinux"
expect 0 run --user nobody --kernel own-vmlinux --set "$modules" --append 'a.b="c d" e' --append f -- \
	sh -c 'id -un; grep -o "a[.]b=.*" /proc/cmdline'
out_is 'nobody
a.b="c d" e f'
expect 125 run --user nobody --console
err_has "--user says who the command runs as: there is none with --console"

# Without a command and without a terminal stdin holds the commands.
echo 'echo read; exit 3' >script
expect 3 run <script
out_is read

# A panic ends the run, not its limit, and is shown.
expect 120 run --timeout 5m -- sh -c 'echo c >/proc/sysrq-trigger; sleep 300'
kind_is panic
err_has "Kernel panic - not syncing: sysrq triggered crash"
err_has "Call Trace:"
err_has "viv: the guest's kernel panicked: "
# It is the guest's end even where it is not asked for.
expect 121 run --fail-on none -- sh -c 'echo c >/proc/sysrq-trigger; sleep 300'
kind_is gone

# An oops counts even if the command ends well; a warning only if asked for.
oops='echo "<1>BUG: unable to handle page fault for address: 0" >/dev/kmsg'
warn='echo "<1>WARNING: CPU: 0 PID: 1 at a.c:1 b+0x1/0x2" >/dev/kmsg'
expect 120 run -- sh -c "$oops"
kind_is oops
err_has "viv: the guest's kernel oopsed: BUG: unable to handle page fault"
expect 0 run --fail-on panic -- sh -c "$oops"
expect 0 run -- sh -c "$warn"
expect 120 run --fail-on warn -- sh -c "$warn"
kind_is warn

expect 124 run --timeout 4s -- sleep 300
kind_is timeout
expect 121 run -- sh -c 'echo o >/proc/sysrq-trigger; sleep 300'
kind_is gone
err_has "powered off"

# Nothing of this is about the command: 125.
expect 125 run --timeout soon -- true
err_has "soon"
expect 125 run --no-such-flag -- true
expect 125 run --set virtualisation.cores=many -- true
kind_is environment
expect 125 run --set 'virtualisation.qemu.options={"-no-such"}' -- true
kind_is environment
expect 125 env VIV_ACCEL=hvf "$VIV" run -- true
expect 125 run --set virtualisation.qemu.package=/nowhere/qemu -- true
err_has "apt install qemu-system-x86"

# The status where it can't be a new file, and as the umask says where it can.
expect 125 "$VIV" run --status /dev/fd/2 --set x.y=1 -- true
err_has '"kind": "environment"'
rm status.json
(umask 027 && "$VIV" run -q --status status.json --set x.y=1 -- true 2>/dev/null)
[ "$(stat -c %a status.json)" = 640 ] || fail "mode $(stat -c %a status.json)"
