# SPDX-License-Identifier: MIT
# Networks of `viv run`: the way out and what is in it, --forward, segments between machines of different runs.
# network.test.lua has what the machines see. Only loopback is used.
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip "python3 is missing"
passt=1 nc=1
for p in passt nc; do
	command -v $p >/dev/null || { echo "not tested: $p is missing"; eval $p=; }
done

# A server on a port of loopback that the kernel chooses and it says.
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
trap '"$VIV" stop --all --now >/dev/null 2>&1; kill $server; cleanup' EXIT
read -r -t 300 port <said || fail "no server"
quick_machine

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

# In the background passt, too, holds none of the caller's streams: who reads them hears of their end. (No port leads in:
# Debian 12's passt may die of a connection.)
if [ -n "$passt" ]; then
	timeout 300 bash -c '"$VIV" run -q -d --name out --set "virtualisation.networks.eth0={\"kind\": \"passt\"}" 2>&1 | cat' >out 2>err ||
		fail "viv run -d | cat has status $?"
	out_is out
	expect 0 "$VIV" stop --now out
fi

# A machine in the background with a port of the host's that leads into it.
echo 'virtualisation.vlans = { 1 }' >>vm.lua
free=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
expect 0 "$VIV" run -q -d --name web --forward $free:80
out_is web
expect 0 "$VIV" ps
out_has " $free:80"
cat >serve.pl <<'PL'
use IO::Socket::INET;
$| = 1;
my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 5) or die;
print "up\n";
for (1 .. 2) {
	my $c = $s->accept;
	my $line = <$c>;
	print $c "hello ", $c->peerhost, "\n";
}
PL
mkfifo says
"$VIV" exec web -- perl -e "$(cat serve.pl)" >says 2>web.err &
web=$!
exec 4<says
read -r -t 300 line <&4 && [ "$line" = up ] || fail "web does not serve: $(cat web.err)"
expect 0 python3 -c "
import socket
s = socket.create_connection(('127.0.0.1', $free), 60)
s.sendall(b'GET /\n')
print(s.makefile().read())"
out_has "hello 10.0.2.2"

# Another, which finds it by name. Nothing leads out of it but each connection to an address of its network, which is
# one to the host's port.
echo 'virtualisation.restrictNetwork = true' >>vm.lua
[ -z "$nc" ] || cat >>vm.lua <<LUA
virtualisation.forwardPorts = {
	{ from = "guest", host = { port = $port }, guest = { address = "10.0.2.100", port = 80 } },
}
LUA
expect 0 "$VIV" run -q --name client --timeout 5m -- bash -c "
	exec 3<>/dev/tcp/web/80; echo GET / >&3; cat <&3
	getent ahosts client
	! timeout 120 bash -c 'exec 3<>/dev/tcp/10.0.2.2/$port' 2>/dev/null || echo out
	for i in ${nc:+1 2}; do exec 3<>/dev/tcp/10.0.2.100/80; timeout 300 head -n 1 <&3; done"
out_has "hello 192.168.1.2"
out_has "2001:db8:1::2 "
! grep -qx out out || fail "a machine with restrictNetwork has got out"
[ -z "$nc" ] || [ "$(grep -cx hello out)" = 2 ] || fail "connections from the guest did not come to the host's port"
wait $web || fail "web: $(cat web.err)"
expect 0 "$VIV" stop --now web
[ -z "$(ls "$XDG_RUNTIME_DIR/viv/.vlans/1")" ] || fail "the segment still has members"

expect 0 "$VIV" doctor net
out_has "ip tuntap add dev viv0 mode tap"
