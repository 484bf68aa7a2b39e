local lib = require "./values-lib.inc"
local v = virtualisation
v.memorySize = 4096 / 2
v.cores = lib.cores()
v.diskSize = "2G"
v.diskImage = null
v.qemu.options = { "-device", "x,y=z" }
boot.kernel = pkgs["linux-image-amd64"]
environment.systemPackages = { pkgs.htop, "vim=2:9.1.0-1", pkgs["g++"], "libc6:amd64" }
users.users["my-user"] = { isNormalUser = true, uid = 1000 }
environment.etc["ssh/sshd_config"].text = [[
Port 22
]]
environment.variables = setmetatable and { LANG = "C.UTF-8" }
networking.hostName = ("A-b"):lower()
system.stateVersion = "25.05";
