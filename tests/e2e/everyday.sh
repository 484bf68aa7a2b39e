# SPDX-License-Identifier: MIT
# A machine as people describe one: users with passwords, a firewall, addresses, languages, swap, sudo,
# certificates, a web server. everyday-more.sh has its second start and its kin on other init systems.
. "$(dirname "$0")/lib.sh"

for p in openssl python3; do
	command -v $p >/dev/null || skip "$p is missing"
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Everyday Test CA" \
	-keyout ca.key -out ca.pem 2>/dev/null
cat >vm.lua <<EOF_LUA
networking.hostName = "web"
networking.domain = "example.org"
networking.firewall = { enable = true, allowedTCPPorts = { 80, 443 }, allowPing = false,
	interfaces = { eth1 = { allowedUDPPortRanges = { { from = 60000, to = 60010 } } } },
	extraInputRules = "ip saddr 192.0.2.0/24 accept" }
virtualisation.vlans = { 1 }
networking.interfaces.eth1 = { ipv4 = { addresses = { { address = "192.168.7.2", prefixLength = 24 } } },
	ipv6 = { addresses = { { address = "2001:db8:7::2" } } } }
networking.defaultGateway = "192.168.7.1"
networking.defaultGateway6 = "2001:db8:7::1"
networking.nameservers = { "192.0.2.53" }
networking.primaryIPAddress = "192.168.7.2"
networking.hosts = { ["192.0.2.9"] = { "printer", "printer.example.org" } }

users.mutableUsers = false
users.defaultUserShell = "/bin/sh"
users.groups.builders = { gid = 1500, members = { "ben" } }
users.users = {
	anna = { isNormalUser = true, password = "one", extraGroups = { "wheel" }, packages = { "tree" } },
	ben = { isNormalUser = true, hashedPassword = "$(openssl passwd -6 -salt everyday two)", shell = "/bin/bash" },
	carl = { isNormalUser = true, initialPassword = "three", extraGroups = { "sudo" }, createHome = false },
	dora = { isNormalUser = true, initialHashedPassword = "$(openssl passwd -6 -salt everyday four)", uid = 1234 },
	svc = { isSystemUser = true, home = "/srv/svc", createHome = true },
}
security.sudo = { enable = true, extraConfig = "Defaults lecture = never", extraRules = {
	{ groups = { "builders" }, commands = { { command = "/usr/bin/id -un", options = { "NOPASSWD" } } } } } }
security.pki.certificateFiles = { "./ca.pem" }

time.timeZone = "Europe/Lisbon"
i18n = { defaultLocale = "de_DE.UTF-8", extraLocaleSettings = { LC_TIME = "en_GB.UTF-8" },
	supportedLocales = { "fr_FR.UTF-8/UTF-8" } }
console = { keyMap = "de-latin1", font = "Lat15-Terminus16" }
boot.sysctl = { ["net.ipv4.ip_forward"] = true, ["vm.swappiness"] = 7 }
boot.tmp = { useTmpfs = true, tmpfsSize = "64M" }

virtualisation.qemu.drives = { { name = "data", file = "./data.img" } }
fileSystems["/data"] = { device = "/dev/disk/by-id/virtio-data", fsType = "ext4", autoFormat = true }
swapDevices = { { device = "/data/swap", size = 16, priority = 3 }, { device = "/dev/disk/by-label/hardware" } }
zramSwap = { enable = true, memoryPercent = 25, algorithm = "lz4" }

programs.bash.enableCompletion = true
services.nginx = { enable = true, appendHttpConfig = "server_names_hash_bucket_size 128;", virtualHosts = {
	["www.example.org"] = { default = true, serverAliases = { "example.org" }, root = "/srv/www", listen = {
			{ port = 80 }, { port = 8081 }, { port = 443, ssl = true } },
		locations = { ["/hello"] = { ["return"] = "200 hello" }, ["/proxy/"] = { proxyPass = "http://127.0.0.1:8082/" } } },
	behind = { listen = { { addr = "127.0.0.1", port = 8082 } }, locations = { ["/"] = { ["return"] = "200 behind" } } },
	["secure.example.org"] = { forceSSL = true, locations = { ["/"] = { ["return"] = "200 secure" } } } } }
EOF_LUA
truncate -s 64M data.img
ports=$(python3 -c '
import socket
all = [socket.create_server(("127.0.0.1", 0)) for i in range(3)]
print(*[s.getsockname()[1] for s in all])')
read -r http https blocked <<<"$ports"

cat >guest.sh <<'EOF'
set -u
try() { echo "$1: $(echo "$2" | setpriv --reuid nobody --regid nogroup --clear-groups su "$1" -c 'id -un; echo $0; pwd' 2>&1 | tr '\n' ' ')"; }
export LC_MESSAGES=C
try anna one; try ben two; try carl three; try dora four
echo wrong | setpriv --reuid nobody --regid nogroup --clear-groups su anna -c true 2>/dev/null && echo "wrong password"
id -Gn anna; id -Gn ben; id dora; ls -d /home/* /srv/svc; stat -c %U:%a /srv/svc
echo one | su anna -c 'sudo -S id -un' 2>/dev/null
echo three | su carl -c 'sudo -S id -un' 2>/dev/null
su ben -c 'sudo -n id -un; sudo -n id' 2>&1
command -v tree
echo "== network"
ip -br address show eth1 | tr -s ' '
ip route show default; ip -6 route show default | grep static
cat /etc/resolv.conf; getent hosts printer.example.org; getent ahostsv4 web | head -n 1; hostname -f
nft list chain inet viv input | grep -c echo-request
nft list chain inet viv input | grep -E "eth1|192.0.2.0|tcp dport"
echo "== system"
date +%Z; locale -k LC_TIME | grep ^day= ; locale -a; echo "$LANG"; su - anna -c 'echo $LANG'
findmnt -n -o FSTYPE,SIZE /tmp; cat /proc/sys/net/ipv4/ip_forward /proc/sys/vm/swappiness
swapon --show=NAME,PRIO --noheadings | sort | tr -s ' '; cat /sys/block/zram0/comp_algorithm
cat /etc/default/keyboard /etc/default/console-setup | grep -E "XKBLAYOUT|FONT"
bash -lic 'complete -p -D' 2>/dev/null
openssl verify -CApath /etc/ssl/certs /usr/local/share/ca-certificates/viv-1.crt
systemctl is-active nginx nftables keyboard-setup
systemctl --failed --no-legend
exec 3<>/dev/tcp/127.0.0.1/8081; printf 'GET /hello HTTP/1.0\r\n\r\n' >&3; tail -n 1 <&3; echo
EOF
cat >host.py <<'EOF'
import http.client, select, socket, ssl, sys
plain, tls, blocked = map(int, sys.argv[1:])
shut = socket.create_connection(("127.0.0.1", blocked), 60)
shut.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
def get(path, host="www.example.org", port=plain):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    c.request("GET", path, headers={"Host": host})
    r = c.getresponse()
    print(r.status, r.getheader("Location", ""), r.read().decode() if r.status == 200 else "")
get("/hello")
get("/hello", "nobody.example.org")
get("/proxy/")
get("/x", "secure.example.org")
context = ssl._create_unverified_context()
c = http.client.HTTPSConnection("127.0.0.1", tls, timeout=300, context=context)
c.connect()
with open("certificate.pem", "w") as f:
    f.write(ssl.DER_cert_to_PEM_cert(c.sock.getpeercert(True)))
c.request("GET", "/hello", headers={"Host": "www.example.org"})
print(c.getresponse().read().decode())
# What was asked before all this has got no answer: its port is shut.
print("open" if select.select([shut], [], [], 0)[0] else "shut")
EOF

# Nothing starts the web server but the machine itself.
mkfifo in out.fifo
"$VIV" run -q --timeout 15m --forward "$http:80" --forward "$https:443" --forward "$blocked:8081" \
	-- sh -c 'systemctl is-system-running --wait; read line' <in >out.fifo 2>run.err &
run=$!
exec 4>in 5<out.fifo
read -r -t 800 line <&5 || fail "no boot: $(cat run.err)"
[ "$line" = running ] || fail "the machine is $line: $("$VIV" exec web -- systemctl --failed --no-legend)"
expect 0 "$VIV" exec web -- bash -c "$(cat guest.sh)"
diff - out <<EOF || fail "the machine"
anna: Password: anna sh $work 
ben: Password: ben bash $work 
carl: Password: carl sh $work 
dora: Password: dora sh $work 
anna wheel
ben builders
uid=1234(dora) gid=1234(dora) groups=1234(dora)
/home/anna
/home/ben
/home/dora
/srv/svc
svc:700
root
root
root
sudo: a password is required
/usr/bin/tree
== network
eth1 UP 192.168.7.2/24 2001:db8:7::2/64 fe80::5054:ff:fe13:101/64 
default via 192.168.7.1 dev eth1 proto static 
default via 2001:db8:7::1 dev eth1 proto static metric 1024 pref medium
nameserver 192.0.2.53
search example.org
192.0.2.9       printer printer.example.org
192.168.7.2     STREAM web.example.org
web.example.org
0
		tcp dport { 80, 443 } accept
		iifname "eth1" udp dport 60000-60010 accept
		ip saddr 192.0.2.0/24 accept
== system
WET
day="Sunday;Monday;Tuesday;Wednesday;Thursday;Friday;Saturday"
C
C.utf8
de_DE.utf8
en_GB.utf8
fr_FR.utf8
POSIX
de_DE.UTF-8
de_DE.UTF-8
tmpfs   64M
1
7
/data/swap 3
/dev/zram0 5
[lz4] lz4hc zstd deflate 
XKBLAYOUT="de"
FONT="Lat15-Terminus16.psf.gz"
complete -F _comp_complete_load -D
/usr/local/share/ca-certificates/viv-1.crt: OK
active
active
active
hello
EOF
expect 0 python3 host.py $ports
out_is "200  hello
200  hello
200  behind
301 https://secure.example.org/x 
hello
shut"
expect 0 openssl x509 -in certificate.pem -noout -subject
out_has "www.example.org"
echo >&4
exec 4>&- 5<&-
wait $run || fail "run: $(cat run.err)"

# What is wrong is said by the machine's own programs, with its line.
cp vm.lua good.lua
wrong() { # EDIT STATEMENT MESSAGE
	sed "$1" good.lua >vm.lua
	expect 125 "$VIV" build -q --no-link
	line=$(cat err) place=vm.lua:$(grep -n "^$2" good.lua | cut -d: -f1)
	[[ $line == "viv: $place: $3"* ]] || fail "not \"viv: $place: $3\""
}
wrong '/^i18n/s/de_DE/xx_YY/' i18n "i18n.defaultLocale: there is no locale xx_YY.UTF-8"
wrong 's/server_names_hash_bucket_size 128/no_such_thing on/' services.nginx \
	'services.nginx.virtualHosts: nginx: [emerg] unknown directive "no_such_thing"'
wrong 's/Defaults lecture = never/Defaults lecture +/' security.sudo "security.sudo.extraConfig: "
