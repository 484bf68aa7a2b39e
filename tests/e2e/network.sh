# SPDX-License-Identifier: MIT
# Networks: the way out, forwarded ports, segments between machines. Only loopback is used.
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip "python3 is missing"

# A server on a port of loopback that the kernel chooses; says it in $work/port.
cat >server.py <<'PY'
import socket, sys
s = socket.create_server(("127.0.0.1", 0))
open(sys.argv[1] + "~", "w").write(str(s.getsockname()[1]))
import os
os.rename(sys.argv[1] + "~", sys.argv[1])
s.settimeout(300)
while True:
    c, _ = s.accept()
    c.sendall(b"hello " + c.recv(100))
    c.close()
PY
mkfifo started
(exec python3 server.py "$work/port") &
server=$!
trap 'kill $server; cleanup' EXIT
while [ ! -s port ] && kill -0 $server 2>/dev/null; do read -r -t 0.1 <>started; done
port=$(cat port) || fail "no server"

# The first command finds the network there, also without an init system.
quick_machine
expect 0 "$VIV" run -q -- bash -c "exec 3<>/dev/tcp/10.0.2.2/$port; echo -n guest >&3; cat <&3; echo; cat /etc/resolv.conf; ls /etc/apt/sources.list.d/"
out_has "hello guest"
out_has "nameserver 10.0.2.3"
out_has viv.sources
# Nothing leads out when that is asked for.
expect 1 "$VIV" run -q --set virtualisation.restrictNetwork=true -- timeout 20 bash -c "exec 3<>/dev/tcp/10.0.2.2/$port"
