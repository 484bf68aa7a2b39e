local x = options
for i = 1, 3000 do
	x = x.a
end
x.b = mkOption{ type = types.int, default = 1 }
virtualisation.cores = 0
