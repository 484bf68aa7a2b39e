local t = types.int
for i = 1, 100000 do
	t = types.nullOr(t)
end
