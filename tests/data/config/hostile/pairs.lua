networking.hostName = function(config)
	local f = pairs({ [true] = 1 })
	local k, v = f(config)
	error(tostring(k) .. " " .. tostring(v))
end
