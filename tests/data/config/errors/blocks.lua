mkIf(true, function()
	virtualisation.cores = "four"
	error("in a plain block")
end)
mkIf(ref "my.on", function()
	virtualisation.memorySize = "lots"
	no.such.option = 3
	environment.variables.A = undefinedName
	mkForce(3)
	mkIf(ref "my.on", function() error("inner") end)
	error("in a conditional block")
end)
mkIf(ref "my.text", function() end)
mkIf(function(config) return config.my.nothing.here end, function() error("not run") end)
mkIf(function(config) error("in a condition") end, function() end)
mkIf(ref "my.nosuch", function() end)
options.my = {
	on = mkOption{ type = types.bool, default = true },
	a = mkOption{ type = types.bool, default = true },
	b = mkOption{ type = types.bool, default = true },
	c = mkOption{ type = types.bool, default = true },
	text = mkOption{ type = types.str, default = "text" },
	nothing = mkOption{ type = types.int, default = 1 },
}
