system.init = "none"
networking.firewall.enable = true
swapDevices = { { device = "/dev/vdb" } }
zramSwap.enable = true
services.nginx.enable = true
boot.tmp.useTmpfs = true
boot.tmp.cleanOnBoot = true
console.keyMap = "de"
