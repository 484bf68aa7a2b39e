-- SPDX-License-Identifier: MIT
-- A machine as people describe one: users with passwords, a firewall, addresses, languages, swap, sudo, certificates,
-- a web server that another machine asks. everyday.sh has what is wrong in such a description, everyday-more and
-- everyday-runit the second start, and runit.
local web_address = "192.168.7.2"

machines.web = {
	networking = {
		domain = "example.org",
		firewall = { enable = true, allowedTCPPorts = { 80, 443 }, allowPing = false,
			allowedTCPPortRanges = { { from = 7000, to = 7002 } }, allowedUDPPorts = { 53 },
			interfaces = { eth1 = { allowedUDPPortRanges = { { from = 60000, to = 60010 } } } },
			extraInputRules = "ip saddr 192.0.2.0/24 accept" },
		interfaces = { eth1 = { ipv4 = { addresses = { { address = web_address, prefixLength = 24 } } },
			ipv6 = { addresses = { { address = "2001:db8:7::2" } } } } },
		defaultGateway = "192.168.7.1",
		defaultGateway6 = "2001:db8:7::1",
		nameservers = { "192.0.2.53" },
		primaryIPAddress = web_address,
		hosts = { ["192.0.2.9"] = { "printer", "printer.example.org" } },
	},

	users = {
		mutableUsers = false,
		defaultUserShell = "/bin/sh",
		groups = { builders = { gid = 1500, members = { "ben" } } },
		users = { -- the hashes: openssl passwd -6 -salt everyday two
			anna = { isNormalUser = true, password = "one", extraGroups = { "wheel" }, packages = { "tree" } },
			ben = { isNormalUser = true, shell = "/bin/bash", hashedPassword = "$6$everyday$QK5V/UWdBsV5rcn4FqIia" ..
				"iHJrGdCaveb3KwGy6L1qzHGQ1bPEi9JEIHn8mG038ONfkAUxVOBRxSAtQBFXcC4R/" },
			carl = { isNormalUser = true, initialPassword = "three", extraGroups = { "sudo" }, createHome = false },
			dora = { isNormalUser = true, uid = 1234, initialHashedPassword = "$6$everyday$4sxe0sNRX0AcpSyM368qJW" ..
				"YLNsPKpazofobj5s2LeHCcCJsL7Y6U9befi1shZiqWADLckgCtRPBQQ8LE11n/s1" },
			svc = { isSystemUser = true, home = "/srv/svc", createHome = true },
		},
	},
	security = {
		sudo = { enable = true, extraConfig = "Defaults lecture = never", extraRules = { {
			groups = { "builders" }, commands = { { command = "/usr/bin/id -un", options = { "NOPASSWD" } } },
		} } },
		pki = { certificateFiles = { "../data/pki/ca.pem" } },
	},

	time = { timeZone = "Europe/Lisbon" },
	i18n = { defaultLocale = "de_DE.UTF-8", extraLocaleSettings = { LC_TIME = "en_GB.UTF-8" },
		supportedLocales = { "fr_FR.UTF-8/UTF-8" } },
	console = { keyMap = "de-latin1", font = "Lat15-Terminus16" },
	boot = {
		sysctl = { ["net.ipv4.ip_forward"] = true, ["vm.swappiness"] = 7 },
		tmp = { useTmpfs = true, tmpfsSize = "64M" },
	},

	virtualisation = { emptyDiskImages = { { size = 64, serial = "data" } } },
	fileSystems = { ["/data"] = { device = "/dev/disk/by-id/virtio-data", fsType = "ext4", autoFormat = true } },
	swapDevices = { { device = "/data/swap", size = 16, priority = 3 }, { device = "/dev/disk/by-label/hardware" } },
	zramSwap = { enable = true, memoryPercent = 25, algorithm = "lz4" },

	programs = { bash = { enableCompletion = true } },
	services = { nginx = { enable = true, appendHttpConfig = "server_names_hash_bucket_size 128;", virtualHosts = {
		["www.example.org"] = { default = true, serverAliases = { "example.org" }, root = "/srv/www", listen = {
				{ port = 80 }, { port = 8081 }, { port = 443, ssl = true } },
			locations = { ["/hello"] = { ["return"] = "200 hello" },
				["/proxy/"] = { proxyPass = "http://127.0.0.1:8082/" } } },
		behind = { listen = { { addr = "127.0.0.1", port = 8082 } },
			locations = { ["/"] = { ["return"] = "200 behind" } } },
		["secure.example.org"] = { forceSSL = true, locations = { ["/"] = { ["return"] = "200 secure" } } },
	} } },
}
machines.client = {
	imports = { "profiles/minimal" },
	environment = { systemPackages = { "curl" } },
	networking = { interfaces = { eth1 = { ipv4 = { addresses = { { address = "192.168.7.3", prefixLength = 24 } } } } } },
}

-- As somebody who is not root, who must know the password.
local function su(user, password, command)
	return ("echo %s | LC_MESSAGES=C setpriv --reuid nobody --regid nogroup --clear-groups su %s -c '%s' 2>&1")
		:format(password, user, command)
end

test("everyday", function()
	start_all()
	subtest("users", function()
		for user, is in pairs { anna = "one sh", ben = "two bash", carl = "three sh", dora = "four sh" } do
			local password, shell = is:match("(%w+) (%w+)")
			web:prints(su(user, password, "id -un; echo $0; pwd"), "Password: " .. user .. "\n" .. shell .. "\n/root")
		end
		web:fail(su("anna", "wrong", "true"))
		web:prints("id -Gn anna; id -Gn ben; LC_MESSAGES=C id dora; ls -d /home/* /srv/svc; stat -c %U:%a /srv/svc", [[
anna wheel
ben builders
uid=1234(dora) gid=1234(dora) groups=1234(dora)
/home/anna
/home/ben
/home/dora
/srv/svc
svc:700
]])
		web:prints("command -v tree", "/usr/bin/tree")
	end)

	subtest("sudo", function()
		web:prints("echo one | su anna -c 'sudo -S id -un' 2>/dev/null", "root")
		web:prints("echo three | su carl -c 'sudo -S id -un' 2>/dev/null", "root")
		web:prints("su ben -c 'sudo -n id -un'", "root")
		t.equal(web:fail("su ben -c 'LC_ALL=C sudo -n id' 2>&1"), "sudo: a password is required\n")
	end)

	subtest("addresses, names, the firewall's rules", function()
		web:prints("ip -br address show eth1 | sed 's/ fe80::.*//' | tr -s ' '",
			"eth1 UP 192.168.7.2/24 2001:db8:7::2/64")
		web:prints("ip route show default; ip -6 route show default | grep static", [[
default via 192.168.7.1 dev eth1 proto static 
default via 2001:db8:7::1 dev eth1 proto static metric 1024 pref medium
]])
		web:prints("cat /etc/resolv.conf", "nameserver 192.0.2.53\nsearch example.org")
		web:prints("getent hosts printer.example.org; getent ahostsv4 web | sed -n 1p; hostname -f", [[
192.0.2.9       printer printer.example.org
192.168.7.2     STREAM web.example.org
web.example.org
]])
		local rules = web:succeed("nft list chain inet viv input")
		for _, rule in ipairs { "tcp dport { 80, 443, 7000-7002 } accept", "udp dport 53 accept",
			'iifname "eth1" udp dport 60000-60010 accept',
			"ip saddr 192.0.2.0/24 accept" } do
			t.contains(rules, "\t\t" .. rule .. "\n")
		end
		t.is_false(rules:find("echo-request", 1, true), "pings are let in")
		web:require_unit_state("nftables")
		t.raises(function() web:wait_for_unit("firewall") end, "there is no unit firewall (not-found) (did you mean nftables.service?)")
	end)

	subtest("time, languages, the keyboard, shells", function()
		web:prints("date +%Z; locale -k LC_TIME | grep ^day=; locale -a; echo $LANG; su - anna -c 'echo $LANG'", [[
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
]])
		web:prints("cat /etc/default/keyboard /etc/default/console-setup | grep -E 'XKBLAYOUT|FONT='",
			'XKBLAYOUT="de"\nFONT="Lat15-Terminus16.psf.gz"\n')
		web:prints("bash -lic 'complete -p -D' 2>/dev/null", "complete -F _comp_complete_load -D")
	end)

	subtest("kernel settings, /tmp", function()
		web:prints("findmnt -n -o FSTYPE,SIZE /tmp", "tmpfs   64M")
		web:prints("cat /proc/sys/net/ipv4/ip_forward /proc/sys/vm/swappiness", "1\n7")
		t.contains(web:succeed("cat /sys/block/zram0/comp_algorithm"), "[lz4]")
	end)

	subtest("certificates", function()
		web:prints("openssl verify -CApath /etc/ssl/certs /usr/local/share/ca-certificates/viv-1.crt",
			"/usr/local/share/ca-certificates/viv-1.crt: OK")
	end)

	-- Nothing started it but the machine itself.
	subtest("the web server", function()
		local function get(wanted, path, host)
			client:prints(([[echo "$(curl -sS -o out -w '%%{http_code} %%{redirect_url}' -H 'Host: %s' http://%s%s
				grep -v '^<' out; rm out)"]]):format(host or "www.example.org", web_address, path), wanted)
		end
		client:wait_until_succeeds("curl -sS http://" .. web_address)
		get("200 hello", "/hello")
		get("200 hello", "/hello", "nobody.example.org")
		get("200 behind", "/proxy/")
		get("301 https://secure.example.org/x", "/x", "secure.example.org")
		client:prints("curl -sSk https://" .. web_address .. "/hello", "hello")
		t.contains(client:succeed("curl -sSkv https://" .. web_address .. "/hello 2>&1"), "CN=www.example.org")
	end)
	subtest("what the firewall keeps out", function()
		web:prints("exec 3<>/dev/tcp/127.0.0.1/8081; printf 'GET /hello HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3",
			"hello", { shell = "bash" })
		client:fail("curl -s --connect-timeout 3 http://" .. web_address .. ":8081/hello")
		client:fail("ping -c 1 -W 3 " .. web_address)
	end)

	-- At last: systemd has looked for the swap of real hardware for a minute and a half.
	subtest("all of it is up, and nothing has failed", function()
		web:prints("systemctl is-system-running --wait; systemctl --failed --no-legend", "running")
		web:prints("swapon --show=NAME,PRIO --noheadings | sort | tr -s ' '", "/data/swap 3\n/dev/zram0 5")
		for _, unit in ipairs { "nginx", "nftables", "keyboard-setup" } do
			web:require_unit_state(unit)
		end
	end)
end)
