-- the only error is in what is taken
mkIf(ref "my.off", function() error("never") end)
mkIf(ref "my.off", function() virtualisation.core = 3 end)
mkIf(true, function() virtualisation.core = 3 end)
options.my.off = mkOption{ type = types.bool, default = false }
