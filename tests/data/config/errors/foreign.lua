services.ntp.enable = false
services.xserver.resolutions = mkVMOverride{ { x = 1024, y = 768 } }
networking.dhcpcd.extraConfig = "noarp"
virtualisation.pathsInNixDB = {}
networking.wirelessly = true
system.requiredKernelConfig = { isYes "CONFIG_PCI" }
