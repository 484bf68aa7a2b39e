mkIf(function(config) return config.my.b end, function()
	my.a = false
end)
mkIf(function(config) return config.my.a end, function() my.b = true end)
mkIf(ref "my.c", function() networking.hostName = "x" end)
my.c = mkIf(ref "networking.hostName", true)
time.timeZone = mkIf(function(config) return config.time.timeZone == "x" end, "x")
options.my = {
	a = mkOption{ type = types.bool, default = true },
	b = mkOption{ type = types.bool, default = true },
	c = mkOption{ type = types.bool, default = true },
}
