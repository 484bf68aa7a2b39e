# SPDX-License-Identifier: MIT
# slow
# An address by DHCP on a tap, from a server in network namespaces of the test's own.
. "$(dirname "$0")/lib.sh"

needs_root
for p in ip dnsmasq python3; do
	command -v $p >/dev/null || skip "$p is missing"
done
[ -c /dev/net/tun ] || skip "/dev/net/tun is not there: no tap can be made"
unshare -n ip tuntap add dev viv0 mode tap 2>/dev/null || skip "/dev/net/tun makes no tap here"

# Where nothing asks for an address it is said before anything is built.
cat >vm.lua <<'LUA'
virtualisation.networks["lan-1"] = { kind = "tap", device = "viv0" }
system.init = "none"
LUA
expect 125 "$VIV" build -q --plan
err_has "vm.lua:1: virtualisation.networks[\"lan-1\"]: without systemd nothing asks for an address"
echo 'virtualisation.networks.lan = { kind = "tap", device = "viv0" }' >vm.lua
expect 0 "$VIV" build -q --no-link

cat >inside <<'SH'
set -e
ip link set lo up
ip tuntap add dev viv0 mode tap
ip address add 192.168.100.1/24 dev viv0
ip link set viv0 up
dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --port=0 --interface=viv0 --bind-interfaces \
	--pid-file --dhcp-leasefile="$PWD/leases" --dhcp-range=192.168.100.50,192.168.100.60 &
trap "kill $!" EXIT
"$VIV" run -q --timeout 15m -- sh -c 'set -e
	/usr/lib/systemd/systemd-networkd-wait-online --interface=lan --ipv4 --timeout=600
	networkctl --no-pager status lan'
SH
expect 0 unshare -m -n sh inside
grep -Eq 'Address: 192\.168\.100\.(5[0-9]|60) \(DHCPv?4' out || fail "no address by DHCP"
grep -q ' 192.168.100.5' leases || fail "the server gave none: $(cat leases)"
