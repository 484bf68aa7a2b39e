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
read -r -t 300 port <said || fail "no server"

# The first command finds the network there, also without an init system.
quick_machine
expect 0 "$VIV" run -q -- bash -c "exec 3<>/dev/tcp/10.0.2.2/$port; echo -n guest >&3; cat <&3; echo; cat /etc/resolv.conf; ls /etc/apt/sources.list.d/"
out_has "hello guest"
out_has "nameserver 10.0.2.3"
out_has viv.sources
# Nothing leads out when that is asked for.
expect 1 "$VIV" run -q --set virtualisation.restrictNetwork=true -- timeout 120 bash -c "exec 3<>/dev/tcp/10.0.2.2/$port"

# A port that somebody has, one that is none, one twice: said before the boot, with the option's line.
expect 125 "$VIV" run -q --forward $port:22 -- true
err_has "virtualisation.forwardPorts[1]: port $port of 127.0.0.1 is in use already"
printf 'system.init = "none"\nvirtualisation.forwardPorts = {\n\t{ host = { port = 99999 }, guest = { port = 1 } } }\n' >bad.lua
expect 125 "$VIV" run -q bad.lua -- true
err_has "bad.lua:3: virtualisation.forwardPorts[1].host.port: expected an integer from 1 to 65535"
expect 125 "$VIV" run -q --forward 22 -- true
err_has "--forward 22: expected"
expect 125 "$VIV" run -q --forward 2222:22 --forward 2222:23 -- true
err_has "port 2222 of the host is forwarded already"

# Two machines on one segment, by name; and a port of the host that leads into one of them.
cat >serve.pl <<'PL'
use IO::Socket::INET;
$| = 1;
my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 5) or die;
print "up\n";
for (1 .. 2) {
	my $c = $s->accept;
	my $line = <$c>;
	print $c "GET" eq substr($line, 0, 3) ? "HTTP/1.0 200 OK\r\n\r\nfrom " . $s->sockhost . "\n" : "?";
	print "served " . $c->peerhost . "\n";
}
PL
printf 'virtualisation.vlans = { 1 }\nvirtualisation.interfaces.lan = { vlan = 9, assignIP = false }\n' >>vm.lua
free=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkfifo web
"$VIV" run -q --name web --timeout 15m --forward $free:80 -- perl -e "$(cat serve.pl)" >web 2>web.err &
web=$!
exec 4<web
read -r -t 300 line <&4 && [ "$line" = up ] || fail "web did not start: $(cat web.err)"
expect 0 "$VIV" ps
out_has " $free:80"
expect 0 "$VIV" run -q --name client --timeout 5m -- bash -c '
	exec 3<>/dev/tcp/web/80; printf "GET / HTTP/1.0\n" >&3; cat <&3
	getent hosts client; ls /sys/class/net; grep -c lan /proc/net/dev; cat /sys/class/net/eth1/address'
out_has "200 OK"
out_has "2001:db8:1::2"
out_has "lan"
out_has "52:54:00:13:01:02"
read -r -t 300 line <&4 && [ "$line" = "served 192.168.1.2" ] || fail "web says: $line"
expect 0 python3 -c "
import socket
s = socket.create_connection(('127.0.0.1', $free), 60)
s.sendall(b'GET /\n')
print(s.makefile().read())"
out_has "200 OK"
read -r -t 300 line <&4 && [ "$line" = "served 10.0.2.2" ] || fail "web says: $line"
exec 4<&-
wait $web || fail "web: $(cat web.err)"
[ -z "$(ls "$XDG_RUNTIME_DIR/viv/.vlans/1")" ] || fail "the segment still has members"

expect 0 "$VIV" doctor net
out_has "ip tuntap add dev viv0 mode tap"
