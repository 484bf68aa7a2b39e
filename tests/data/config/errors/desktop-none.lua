system.init = "none"
virtualisation.graphics = true
services.xserver.enable = true
