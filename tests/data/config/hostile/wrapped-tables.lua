local v = { a = "x" }
for i = 1, 100000 do
	v = { a = mkForce(v) }
end
environment.variables = v
