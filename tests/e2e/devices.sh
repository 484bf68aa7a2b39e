# SPDX-License-Identifier: MIT
# What a machine can have beside processor, memory, disks and networks. Two boots, one of them with a
# screen.
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

# One machine that has it all; its watchdog ends it.
cp vm.lua plain.lua
cat >>vm.lua <<'END'
virtualisation.sockets = 2
virtualisation.threads = 2
virtualisation.numa.nodes = { { memorySize = "640M", cores = 2 }, {} }
virtualisation.watchdog.enable = true
virtualisation.credentials.short = { text = "one, two" }
virtualisation.credentials.file = { source = "./secret" }
virtualisation.cdrom = "./disc"
virtualisation.credentials["a-name.of-more-than.28-characters"] = { text = "long=1" }
END
echo from-a-file >secret
{ echo "a disc"; head -c 65536 /dev/zero; } >disc
truncate -s 64K disc
tpm=
if command -v swtpm >/dev/null; then
	tpm=1
	echo 'virtualisation.tpm.enable = true' >>vm.lua
fi
cat >look <<'END'
cd /sys/devices/system
echo nodes $(cat node/online) cpus $(cat node/node0/cpulist) $(cat node/node1/cpulist)
echo packages $(cat cpu/cpu*/topology/physical_package_id) threads $(cat cpu/cpu0/topology/thread_siblings_list)
echo memory $(($(sed -n 's/.*MemTotal: *\([0-9]*\) kB/\1/p' node/node1/meminfo) / 1024 < 400))
cd /sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials
echo credentials $(cat short/raw) $(cat file/raw)
tr '\0' '\n' </sys/firmware/dmi/entries/11-0/raw | grep -a long
echo cdrom $(head -n 1 /dev/sr0)
[ ! -e /dev/tpm0 ] || echo tpm $(cat /sys/class/tpm/tpm0/tpm_version_major)
echo >/dev/watchdog
exec sleep 600
END
expect 121 "$VIV" run -q --timeout 9m --status status.json <look
out_has "nodes 0-1 cpus 0-1 2-3"
out_has "packages 0 0 1 1 threads 0-1"
out_has "memory 1"
out_has "credentials one, two from-a-file"
out_has "io.systemd.credential:a-name.of-more-than.28-characters=long=1"
out_has "cdrom a disc"
[ -z "$tpm" ] || out_has "tpm 2"
err_has "viv: the guest's watchdog expired before the command had ended"
grep -q '"kind": "gone"' status.json || fail "$(cat status.json)"
[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv")" ] || fail "left: $(ls -A "$XDG_RUNTIME_DIR/viv")"
! grep -rqsF -e 'one, two' -e from-a-file "$VIV_STORE"/objects/*-etc "$VIV_STORE"/objects/*-vm ||
	fail "a credential is in the store"

# A screen: nobody is here to see it, so it is a socket for a viewer, and pictures.
cat plain.lua - >vm.lua <<'END'
virtualisation.graphics = true
virtualisation.resolution = { x = 800, y = 600 }
boot.kernelModules = { "bochs" }
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
expect 0 "$VIV" stop screen
