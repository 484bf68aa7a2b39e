machine.virtualisation.cores = 2
machines["*"].virtualisation.cores = 2
machines.client.virtualisation.cores = 2
machines.server.virtualisation.cores = 2
test("a", function() end)
