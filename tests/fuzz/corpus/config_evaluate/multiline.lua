-- a statement of several lines has its own line, a member its own
networking.hostName =
	"not valid!"

users.users = {
	paul = {
		isNormalUser = true,
		uid = -1,
		extraGroups = {
			"sudo",
			"no good",
		},
	},
	["Bad Name"] = {},
}
boot = {
	kernelParams = {
		"a",
		4,
	},
	kernelModules = mkIf(true, {
		"a",
		"b c",
	}),
}
environment = mkMerge{
	{ systemPackages = { "a b" } },
	{
		etc = {
			["../x"] = { text = "x" },
		},
	},
}
environment.systemPackages = pkgs[[
	htop
	tmux
]]
local v = virtualisation
v.cores =
	0
v.qemu.options = {
	"x",
	{},
}
