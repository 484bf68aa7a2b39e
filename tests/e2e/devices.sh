# SPDX-License-Identifier: MIT
# What a machine can have beside processor, memory, disks and networks: what is wrong in its description, a screen,
# what is told of it and of a watchdog that ends it. devices.test.lua has the devices themselves.
. "$(dirname "$0")/lib.sh"

quick_machine
trap '"$VIV" stop --all --now >/dev/null 2>&1; cleanup' EXIT
unset DISPLAY WAYLAND_DISPLAY

# What is wrong is said before anything is built, with the option and its line.
wrong() { # TEXT-OF-THE-FILE MESSAGE…
	local m
	printf 'system.init = "none"\n%b' "$1" >wrong.lua
	expect 125 "$VIV" run -q wrong.lua -- true
	shift
	for m; do err_has "$m"; done
	[ "$(wc -l <err)" -le 8 ] || fail "more than was wrong"
}
usb='virtualisation.usb.devices = '
wrong "$usb{ { vendor = \"ffff\", product = 0xfffe } }\n" \
	"wrong.lua:2: virtualisation.usb.devices: no USB device ffff:fffe is on this host" "viv doctor usb"
wrong "$usb{ { bus = 255, port = \"1.7\" } }\n" "no USB device is at port 1.7 of bus 255"
wrong "$usb{ { bus = 1 } }\n" "wrong.lua:2: virtualisation.usb.devices[1]: give vendor and product, or bus and port"
wrong "$usb{ { vendor = \"lots\", product = 1 } }\n" "wrong.lua:2: "
wrong 'virtualisation.cores = 3\nvirtualisation.sockets = 2\n' \
	"wrong.lua:3: virtualisation.sockets: cores (3) is not a multiple of sockets (2) times threads (1)"
wrong '\nvirtualisation.numa.nodes = { { memorySize = 1 }, { memorySize = 2 } }\n' \
	"wrong.lua:3: virtualisation.numa.nodes: the nodes' memory is not the machine's 1024 MiB"
wrong 'virtualisation.numa.nodes = { { cores = 2 }, { } }\n' "the nodes' cores are not the machine's 1"
wrong 'virtualisation.graphics = true\nvirtualisation.display = "gtk"\n' \
	"wrong.lua:3: virtualisation.display: "
wrong 'virtualisation.credentials.a = {}\n' "wrong.lua:2: virtualisation.credentials.a: it has neither"
wrong 'virtualisation.credentials.a = { source = "./nothing" }\n' \
	'wrong.lua:2: virtualisation.credentials.a: ' nothing
wrong 'virtualisation.credentials["a.b"] = { source = "./nothing" }\n' \
	'wrong.lua:2: virtualisation.credentials["a.b"]: '
mkdir programs
ln -s "$(command -v qemu-system-x86_64)" programs/
printf '\nvirtualisation.tpm.enable = true\n' >wrong.lua
expect 125 env PATH="$work/programs" "$VIV" run -q wrong.lua -- true
err_has "wrong.lua:2: virtualisation.tpm.enable: there is no swtpm"
err_has "apt install swtpm"
printf '\nvirtualisation.networks.eth0 = { kind = "passt" }\n' >wrong.lua
expect 125 env PATH="$work/programs" "$VIV" run -q wrong.lua -- true
err_has "wrong.lua:2: virtualisation.networks.eth0: passt is not there"
err_has "apt install passt"
expect 1 env PATH="$work/programs" "$VIV" doctor
out_has "is not there: virtualisation.tpm.enable needs it"
out_has "install it: apt install swtpm"
expect 0 "$VIV" doctor usb

# A screen: nobody is here to see it, so it is a socket for a viewer, and pictures.
echo from-a-file >secret
cat >>vm.lua <<'END'
virtualisation.graphics = true
virtualisation.resolution = { x = 800, y = 600 }
boot.kernelModules = { "bochs" }
virtualisation.watchdog.enable = true
virtualisation.credentials.short = { text = "one, two" }
virtualisation.credentials.file = { source = "./secret" }
END
expect 0 timeout 580 "$VIV" run -d --name screen
err_has "the screen is at $XDG_RUNTIME_DIR/viv/screen/vnc: vncviewer "
expect 0 "$VIV" ps
out_has "vnc $XDG_RUNTIME_DIR/viv/screen/vnc"
expect 0 "$VIV" ps --json
out_has "\"address\": \"$XDG_RUNTIME_DIR/viv/screen/vnc\""
[ "$(stat -c %a "$XDG_RUNTIME_DIR/viv/screen")" = 700 ] || fail "others can reach the screen"
python3 - "$XDG_RUNTIME_DIR/viv/screen/vnc" <<'END' || fail "no VNC server"
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(300)
s.connect(sys.argv[1])
sys.exit(s.recv(12)[:4] != b"RFB ")
END
expect 0 "$VIV" exec screen -- sh -c 'printf "\033[2J\033[?25l" >/dev/tty1; cat /proc/fb; cat /proc/cmdline'
out_has bochs
out_has "console=tty0 console=ttyS0"
expect 0 "$VIV" screenshot screen before.png
expect 0 "$VIV" exec screen -- sh -c 'printf "\033[Hlogin: \n" >/dev/tty1'
expect 0 "$VIV" screenshot screen after.png
size() { od -An -j16 -N8 -tx1 "$1" | tr -d ' \n'; }
[ "$(size after.png)" = 0000032000000258 ] || fail "the screen is $(size after.png)"
! cmp -s before.png after.png || fail "what is written on the console is not on the screen"
! grep -rqsF -e 'one, two' -e from-a-file "$VIV_STORE"/objects/*-etc "$VIV_STORE"/objects/*-vm ||
	fail "a credential is in the store"

# Ended by a watchdog that nobody resets: the command is lost, and who waits is told.
"$VIV" wait screen 2>waited &
waits=$!
expect 121 "$VIV" exec --status status.json screen -- sh -c 'wdctl -s 2; echo >/dev/watchdog; exec sleep 600'
grep -q '"kind": "gone"' status.json || fail "$(cat status.json)"
wait $waits
[ $? = 121 ] || fail "viv wait: not 121"
grep -q "watchdog expired" waited || fail "viv wait does not say why: $(cat waited)"
