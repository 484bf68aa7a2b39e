-- SPDX-License-Identifier: MIT
-- Networks of machines without an init system: the way out, a port of the host's that leads in, a segment, an
-- interface without an address; passt in the place of QEMU's own network. Only loopback is used: a port of the
-- host's that leads into one machine is what the others, and itself, reach by the way out. network.sh has `viv run`.
machines["*"] = {
	system = { init = "none" },
	virtualisation = { vlans = { 1 }, interfaces = { lan = { vlan = 9, assignIP = false } } },
}
machines.client.virtualisation.networks.eth0.kind = "passt"
machines.web = {}

-- Says at once who asks, to as many as come.
local serve = [[
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 5) or die;
while (my $c = $s->accept) {
	my $line = <$c>;
	print $c "HTTP/1.0 200 OK\r\n\r\n", $c->peerhost, " asks ", $c->sockhost, "\n";
}
]]

local function asks(machine, host, port)
	return machine:succeed(("exec 3<>/dev/tcp/%s/%d; echo GET / HTTP/1.0 >&3; tail -n 1 <&3"):format(host, port),
		{ shell = "bash" })
end

test("network", { needs = "passt" }, function()
	web:start()
	client:start()
	local port = web:forward_port(0, 80)
	web:succeed("perl -e '" .. serve .. "' >/dev/null 2>&1 &")
	web:wait_for_open_port(80, "0.0.0.0")

	-- The first command finds the network there.
	subtest("out and in again", function()
		t.equal(asks(web, "10.0.2.2", port), "10.0.2.2 asks 10.0.2.15\n")
		t.equal(asks(client, "10.0.2.2", port), "10.0.2.2 asks 10.0.2.15\n")
	end)

	subtest("who is asked for names and packages", function()
		for _, machine in ipairs { web, client } do
			t.contains(machine:succeed("cat /etc/resolv.conf"), "nameserver 10.0.2.3\n")
			t.contains(machine:succeed("ls /etc/apt/sources.list.d"), "viv.sources\n")
		end
	end)

	-- They are numbered as they come.
	subtest("a segment", function()
		t.equal(asks(client, "web", 80), "192.168.1.2 asks 192.168.1.1\n")
		t.contains(client:succeed("getent ahosts client"), "\n2001:db8:1::2 ")
		client:prints("cat /sys/class/net/eth1/address", "52:54:00:13:01:02")
	end)

	subtest("an interface without an address", function()
		client:prints("ls /sys/class/net", "eth0\neth1\nlan\nlo")
		client:prints("grep -c lan /proc/net/fib_trie /proc/net/route || :", "/proc/net/fib_trie:0\n/proc/net/route:0")
		client:prints("grep -c web /etc/hosts", "2") -- on the segment, IPv4 and IPv6
	end)
end)
