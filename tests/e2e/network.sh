# SPDX-License-Identifier: MIT
# Networks: the way out, forwarded ports, segments between machines. Only loopback is used.
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip "python3 is missing"

# A server on a port of loopback that the kernel chooses and it says.
cat >server.py <<'PY'
import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
s.settimeout(300)
while True:
    c, _ = s.accept()
    c.sendall(b"hello " + c.recv(100))
    c.close()
PY
mkfifo said
(exec python3 server.py >said) &
server=$!
trap 'kill $server; cleanup' EXIT
read -r -t 30 port <said || fail "no server"

# The first command finds the network there, also without an init system.
quick_machine
expect 0 "$VIV" run -q -- bash -c "exec 3<>/dev/tcp/10.0.2.2/$port; echo -n guest >&3; cat <&3; echo; cat /etc/resolv.conf; ls /etc/apt/sources.list.d/"
out_has "hello guest"
out_has "nameserver 10.0.2.3"
out_has viv.sources
# Nothing leads out when that is asked for.
expect 1 "$VIV" run -q --set virtualisation.restrictNetwork=true -- timeout 20 bash -c "exec 3<>/dev/tcp/10.0.2.2/$port"
