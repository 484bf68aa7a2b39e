# SPDX-License-Identifier: MIT
# A run whose outputs can't be written, and a machine that can't be started.
. "$(dirname "$0")/lib.sh"

quick_machine
expect 125 sh -c '"$@" >/dev/full' sh "$VIV" run -q -- sh -c 'echo hi'
err_has "cannot write the command's output: No space left on device"
expect 7 sh -c '"$@" >&- 2>&-' sh "$VIV" run -q -- sh -c 'echo hi; echo ho >&2; exit 7'
expect 125 "$VIV" run -q --timeout soon -- true
err_has 'expected a time such as 90s, 5m or 2h, got "soon"'
expect 125 "$VIV" run -q --no-such-option -- true
err_has "unknown option --no-such-option"
expect 125 env VIV_ACCEL=magic "$VIV" run -q -- true
err_has 'no accelerator "magic": auto, kvm or tcg'
expect 125 env VIV_KERNEL=/nowhere/vmlinux "$VIV" run -q -- true
err_has "/nowhere/vmlinux"
expect 125 env XDG_RUNTIME_DIR="$work/vm.lua" "$VIV" run -q -- true
err_has "$work/vm.lua"
expect 125 "$VIV" run -q --status "$work/nowhere/s.json" -- true
err_has "$work/nowhere/s.json"
[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv" 2>/dev/null)" ] || fail "left: $(ls -A "$XDG_RUNTIME_DIR/viv")"
