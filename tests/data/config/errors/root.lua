imports = { "profiles/minimal" }
system.init = "systemd"
virtualisation.useBootLoader = true
