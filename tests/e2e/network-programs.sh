# SPDX-License-Identifier: MIT
# Networks that take a program of the host's: passt, and nc for connections from the guest.
. "$(dirname "$0")/lib.sh"

for p in python3 passt nc; do
	command -v $p >/dev/null || skip "$p is missing"
done
cat >server.py <<'PY'
import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
s.settimeout(300)
while True:
    c, _ = s.accept()
    c.sendall(b"hello\n")
    c.close()
PY
mkfifo said
(exec python3 server.py >said) &
server=$!
trap 'kill $server; cleanup' EXIT
read -r -t 300 port <said || fail "no server"

# Each connection to the guest's address is one to the host's port; nothing else leads out.
quick_machine
cat >>vm.lua <<LUA
virtualisation.restrictNetwork = true
virtualisation.forwardPorts = {
	{ from = "guest", host = { port = $port }, guest = { address = "10.0.2.100", port = 80 } },
}
LUA
expect 0 "$VIV" run -q --timeout 5m -- bash -c "
	for i in 1 2; do exec 3<>/dev/tcp/10.0.2.100/80; timeout 300 head -n 1 <&3; done
	! timeout 20 bash -c 'exec 3<>/dev/tcp/10.0.2.2/$port' 2>/dev/null"
out_is "hello
hello"

# passt in the place of QEMU's network, looking the same from inside.
printf 'system.init = "none"\nvirtualisation.networks.eth0 = { kind = "passt" }\n' >vm.lua
expect 0 "$VIV" run -q --timeout 5m -- bash -c "exec 3<>/dev/tcp/10.0.2.2/$port; timeout 300 head -n 1 <&3; cat /etc/resolv.conf"
out_has hello
out_has "nameserver 10.0.2.3"
grep -q "network is dead" err && fail "passt ended before its machine"

# In the background it holds none of the caller's streams: who reads them hears of their end.
timeout 300 bash -c '"$VIV" run -q -d 2>&1 | cat' >out 2>err
status=$?
"$VIV" stop --now
[ $status = 0 ] || fail "viv run -d | cat has status $status"
true
