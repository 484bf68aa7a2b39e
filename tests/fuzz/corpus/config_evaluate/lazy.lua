networking.hostName = function(config) return "n" .. config.virtualisation.cores end
virtualisation.cores = ref "my.count"
environment.etc.motd.text = function(config)
	local names = {}
	for name, user in pairs(config.users.users) do
		names[#names + 1] = name .. "=" .. user.description
	end
	return table.concat(names, " ")
end
users.users.paul = {
	description = function(config) return config.users.users.paul.home .. "!" end,
	home = "/home/" .. "paul",
}
users.users.anna.description = ref 'users.users["paul"].description'
boot.kernelParams = function(config)
	return { "host=" .. config.networking.hostName, ref "packages.release" }
end
time.timeZone = mkIf(function(config) return config.virtualisation.cores > 2 end, "Europe/Lisbon")
packages.release = mkDefault(function(config) return "sid" end)

options.my = {
	count = mkOption{ type = types.between(1, 4), default = 3, description = "x" },
	sum = mkOption{ type = types.int, default = function(config) return config.my.count + 1 end },
	web = mkOption{
		type = types.attrsOf(types.submodule{
			port = mkOption{ type = types.port, default = 80 },
			names = mkOption{ type = types.listOf(types.str), default = {} },
		}),
		default = {},
	},
	data = mkOption{ type = types.anything },
	choice = mkOption{ type = types.either(types.int, types.listOf(types.int)), default = 1 },
	unset = mkOption{ type = types.str },
	double = mkOption{ type = types.func, default = function(x) return 2 * x end },
	twice = mkOption{ type = types.int, default = function(config) return config.my.double(21) end },
}
my.web.a.names = { "x" }
my.web = { a = { names = { "y" } }, b = {} }
my.data = { x = { 1, 2, { y = "z" } }, f = ref "my.count" }
my.choice = { 1, 2 }
mkIf(function(config) return config.my.web.a.port == 80 end, function()
	environment.systemPackages = { "nginx" }
	mkIf(false, function() environment.systemPackages = { "never" } end)
	for _, p in ipairs{ "a1", "b2" } do environment.systemPackages = { p } end
end)
environment.systemPackages = pkgs[[ last one ]]
