networking.hostName = function(config)
	return config.networking.hostname
end
virtualisation.cores = function(config) return end
virtualisation.memorySize = function(config) return mkForce(3) end
boot.kernelParams = function(config)
	local x = nil
	return { x.y }
end
environment.variables.A = function(config) return networking.hostName end
environment.variables.B = function(config) networking.hostName = "x" return "x" end
environment.variables.C = function(config) return htop end
environment.variables.D = function(config) config.networking.hostName = "x" end
environment.variables.E = ref "nothing.there"
environment.variables.F = ref "users.users.bob.uid"
environment.variables.G = ref "networking.hostName" .. "x"
users = function(config) return {} end
