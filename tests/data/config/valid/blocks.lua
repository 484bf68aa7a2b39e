-- a block that is not taken does nothing at all
local touched = false
mkIf(false, function()
	touched = true
	print("never")
	error("never")
end)
mkIf(false, function() while true do end end)
mkIf(ref "my.off", function()
	touched = true
	virtualisation.cores = "four"
	no.such.option = nothing
	mkForce(3)
	error("never")
end)
mkIf(ref "my.off", function() while true do end end)

-- conditions wait for the blocks that set what they ask for, in whatever order they stand
mkIf(function(config) return config.my.level == 3 end, function() my.level4 = true end)
mkIf(function(config) return config.my.first == "yes" end, function()
	my.level = 3
	mkIf(ref "my.on", function() my.inner = "set" end)
	mkIf(ref "my.off", function() error("never") end)
	mkIf(false, function() error("never") end)
end)
mkIf(function(config) return not config.my.off end, function() my.first = "yes" end)
mkIf(function(config) return config.my.late == 1 end, function() error("never") end)
mkIf(ref "my.level4", function() my.late = 2 end)

-- nothing sets my.named before its block runs
mkIf(function(config) return config.my.named == "x" end, function() boot.kernelParams = { "named" } end)
mkIf(ref "my.on", function() my.named = "x" end)

-- a name that is computed isn't seen beforehand: the block that asked too early counts for nothing
local function set(name, value) my[name] = value end
mkIf(function(config) return not config.my.computed end, function()
	boot.kernelParams = { "early" }
	error("early")
end)
mkIf(ref "my.on", function() set("computed", true) end)

boot.kernelParams = function(config) return { touched and "touched" or "untouched" } end
options.my = {
	off = mkOption{ type = types.bool, default = false },
	on = mkOption{ type = types.bool, default = true },
	computed = mkOption{ type = types.bool, default = false },
	first = mkOption{ type = types.str, default = "no" },
	level = mkOption{ type = types.int, default = 0 },
	level4 = mkOption{ type = types.bool, default = false },
	late = mkOption{ type = types.int, default = 1 },
	inner = mkOption{ type = types.str },
	named = mkOption{ type = types.str },
}
