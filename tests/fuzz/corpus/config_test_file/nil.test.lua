machines.client.environment.systemPackages = { "htop", nil, "tmux" }
mkForce(3)
test("a", function()
	local in_a_test = { "htop", nil, x = nil }
end)
