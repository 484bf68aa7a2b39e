options.my.thing = mkOption{ type = types.int, default = "three", description = "x" }
options.my.other = mkOption{ type = types.between(1, 5) }
my.other = 6
my.nothing = 6
options.networking.hostName = mkOption{ type = types.str }
options.my.thing.deeper = mkOption{ type = types.str }
options.my.bad = 3
if my.other then end
options.my.unset = mkOption{ type = types.str }
networking.hostName = ref "my.unset"
environment.variables.A = function(config) return config.my.unset end
environment.variables.B = function(config) return config.my.missing end
