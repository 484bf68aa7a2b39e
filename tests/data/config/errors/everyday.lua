networking.firewall.allowedTCPPorts = { 70000 }
networking.hosts["not.an.address"] = { "x" }
zramSwap.memoryPercent = 0
i18n.defaultLocale = "de DE"
i18n.extraLocaleSettings = { TIME = "de_DE.UTF-8" }
console.keyMap = "de;reboot"
boot.sysctl = { ["swappiness"] = 1 }
boot.tmp.tmpfsSize = "lots"
services.nginx.virtualHosts["a;b"] = {}
users.users.paul = { isNormalUser = true, packages = { "No Package" }, createHome = "yes" }
users.mutableUsers = "no"
swapDevices = { { device = "/dev/vdb" },
	{ device = "/a b" } }
services.nginx.virtualHosts.a.locations = { x = {}, ["/y"] = { index = "a; b" } }
security.sudo.extraRules = { { users = { "paul" }, commands = {
	{ command = [[/bin/ls \\\]] } } } }
services.openssh.settings = { AllowUsers = { "paul", "no one" } }
