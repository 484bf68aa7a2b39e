networking.hostName = function(config) return config.environment.variables.HOST end
environment.variables.HOST = ref "time.timeZone"
time.timeZone = ref "networking.hostName"
virtualisation.cores = ref "virtualisation.cores"
mkIf(ref "my.a", function()
	my.a = true
end)
options.my.a = mkOption{ type = types.bool, default = false, description = "x" }
