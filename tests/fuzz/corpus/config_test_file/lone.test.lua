machine = mkMerge { { virtualisation = { cores = 2 } }, mkIf(true, { networking = { hostName = "x" } }) }
machine.options.a.b = mkOption { type = types.listOf(types.str), default = {} }
machine.a.b = { ref "networking.hostName" }
function test() machine:succeed("true") end
