for i = 1, 400 do
	environment.variables["V" .. i] = ref("environment.variables.V" .. i + 1)
end
environment.variables.V401 = "end"
