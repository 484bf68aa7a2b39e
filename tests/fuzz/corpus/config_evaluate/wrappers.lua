local v = 1
for i = 1, 100000 do
	v = mkForce(v)
end
virtualisation.cores = v
