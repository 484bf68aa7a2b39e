nodes.client.virtualisation.cores = 2
machine = "./vm.lua"
test("a", function() end)
