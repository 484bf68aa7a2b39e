# SPDX-License-Identifier: MIT
# A USB device of the host's in a machine; without one, QEMU's acceptance of the arguments, which
# the run script gives it.
. "$(dirname "$0")/lib.sh"

quick_machine
cat >>vm.lua <<'END'
virtualisation.usb.devices = { { vendor = "0951", product = "1666" }, { bus = 2, port = "1.4" } }
virtualisation.watchdog.enable = true
virtualisation.graphics = true
END
unset DISPLAY WAYLAND_DISPLAY
expect 0 "$VIV" build -q
python3 - result/bin/run-vm-vm <<'END' >out 2>err || fail "QEMU does not take a USB machine"
import json, socket, subprocess, sys
ours, theirs = socket.socketpair()
q = subprocess.Popen([sys.argv[1], "-S", "-chardev", "socket,id=m,fd=%d" % theirs.fileno(), "-mon",
                      "chardev=m,mode=control"], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL)
theirs.close()
ours.settimeout(300)
lines = ours.makefile()
lines.readline()
def ask(command, **arguments):
    ours.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
    for line in lines:
        answer = json.loads(line)
        if "return" in answer or "error" in answer:
            return answer.get("return", answer)
ask("qmp_capabilities")
kinds = [p["type"] for p in ask("qom-list", path="/machine/peripheral-anon")]
vnc = ask("query-vnc")
print(kinds, ask("query-status"), vnc)
ask("quit")
assert kinds.count("child<usb-host>") == 2, kinds
assert "child<i6300esb>" in kinds, kinds
assert vnc["enabled"] and vnc["service"].endswith("/run-vm-vm.vnc"), vnc
q.wait(300)
END

mine=$("$VIV" doctor usb | sed -n 's/^ok .* \([0-9a-f]*\):\([0-9a-f]*\)  .*/\1 \2/p' | head -n 1)
[ -n "$mine" ] || skip "QEMU takes the arguments; this host has no USB device to hand over"
expect 0 "$VIV" run -q --timeout 9m \
	--set "virtualisation.usb.devices=[{\"vendor\":\"${mine% *}\",\"product\":\"${mine#* }\"}]" -- \
	sh -c "grep -lx ${mine% *} /sys/bus/usb/devices/*/idVendor"
