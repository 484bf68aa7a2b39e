# SPDX-License-Identifier: MIT
# A machine in a window, with QEMU's sandbox as always.
. "$(dirname "$0")/lib.sh"

command -v Xvfb >/dev/null || skip "Xvfb is missing"
for window in gtk sdl; do
	qemu-system-x86_64 -display help | grep -qx $window || skip "QEMU has no $window: qemu-system-gui"
done
quick_machine
mkfifo number
Xvfb -displayfd 3 -screen 0 1280x1024x24 -nolisten tcp 3>number >/dev/null 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; cleanup' EXIT
read -r display <number || fail "Xvfb did not start"

unset WAYLAND_DISPLAY
export DISPLAY=:$display
expect 0 "$VIV" run --dry-run --graphics
out_has "-display gtk"
out_has "spawn=deny"
for window in gtk sdl; do
	expect 0 "$VIV" run -q --graphics --set virtualisation.display=$window --timeout 9m -- cat /proc/consoles
	out_has tty0
done
