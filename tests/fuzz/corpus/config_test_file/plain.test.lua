virtualisation.cores = 2
imports = { "./x.lua" }
virtualization.cores = 2
web.services.nginx.enable = true
networking = { hostName = "x" }
log("too early")
io.open("x")
local x = undefined_thing
function log() end
matrix = 3
pkgs = 4
subtest = 5
