-- As little as boots: no init system, only what the agent needs.
system.init = mkDefault("none")
packages.recommends = mkDefault(false)
