for i = 1, 300 do
	environment.variables["V" .. i] = function(config) return config.environment.variables["V" .. i + 1] end
end
environment.variables.V301 = "end"
