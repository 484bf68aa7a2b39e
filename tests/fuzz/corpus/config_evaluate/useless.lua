mkForce(3)
mkIf(true, { networking = { hostName = "x" } })
mkIf(virtualisation.cores, function() end)
mkIf("yes", function() end)
mkOption{ type = types.int }
mkOverride("x", 3)
