services.ntp.enable = false
services.xserver.desktopManager.gnome.enable = true
networking.dhcpcd.extraConfig = "noarp"
virtualisation.pathsInNixDB = {}
networking.wirelessly = true
system.requiredKernelConfig = { isYes "CONFIG_PCI" }
