# SPDX-License-Identifier: MIT
# A tap and a bridge of the host's, in network and mount namespaces of the test's own.
. "$(dirname "$0")/lib.sh"

needs_root
command -v ip >/dev/null || skip "ip (iproute2) is missing"
command -v python3 >/dev/null || skip "python3 is missing"
unshare -n true 2>/dev/null || skip "no network namespace can be made here"
[ -c /dev/net/tun ] || skip "/dev/net/tun is not there: no tap can be made"
unshare -n ip tuntap add dev viv0 mode tap 2>/dev/null || skip "/dev/net/tun makes no tap here"

quick_machine
cat >vm.lua <<'LUA'
system.init = "none"
virtualisation.networks.lan = { kind = "tap", device = "viv0", addresses = { "192.168.100.2/24" } }
virtualisation.networks.wan = { kind = "bridge", device = "vivbr0", addresses = { "192.168.101.2/24", "2001:db8::2/64" },
	gateway = "192.168.101.1" }
LUA
cat >server.py <<'PY'
import socket
servers = [socket.create_server((a, 80)) for a in ("192.168.100.1", "192.168.101.1")]
print("ready", flush=True)
for s in servers:
    s.settimeout(300)
    c, peer = s.accept()
    c.sendall(("hello " + peer[0] + "\n").encode())
    c.close()
PY
cat >inside <<'SH'
set -e
ip link set lo up
mkdir etc upper workdir
mount -t overlay -o lowerdir=/etc,upperdir=$PWD/upper,workdir=$PWD/workdir overlay /etc
mkdir -p /etc/qemu
echo "allow vivbr0" >/etc/qemu/bridge.conf
ip tuntap add dev viv0 mode tap
ip address add 192.168.100.1/24 dev viv0
ip link set viv0 up
ip link add vivbr0 type bridge
ip address add 192.168.101.1/24 dev vivbr0
ip link set vivbr0 up
mkfifo said
python3 server.py >said &
read -r line <said
"$VIV" run -q --timeout 5m -- bash -c 'exec 3<>/dev/tcp/192.168.100.1/80; cat <&3; exec 4<>/dev/tcp/192.168.101.1/80; cat <&4; cat /proc/net/route'
SH
modprobe bridge 2>/dev/null
unshare -n ip link add vivbr0 type bridge 2>/dev/null || skip "no bridge can be made here"
expect 0 unshare -m -n sh inside
out_has "hello 192.168.100.2"
out_has "hello 192.168.101.2"
grep -q "^wan	00000000	0165A8C0" out || fail "the default route is not through wan"

# Another user's, or none: said before the boot.
expect 125 "$VIV" run -q -- true
err_has "vm.lua:2: virtualisation.networks.lan: there is no device viv0"
