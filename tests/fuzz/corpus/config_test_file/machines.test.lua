machines.client.virtualisation.cores = "four"
machines.client.virtualisation.coers = 2
machines.server.networking.hostname = "x"
machines["*"].virtualisation.memorySize = -1
machines.server = {
  virtualisation = {
    cores = 1000,
  },
  services = 3,
}
machines.third = function(config) return {} end
machines.fourth = 4
machines.server.imports = "./x.lua"
machines.client.imports = { "./none.lua", 5 }
machines.client.virtualisation.cores.deeper = 5
if machines.client.virtualisation.cores == 4 then
  machines.client.virtualisation.cores = 4
end
machines.third.environment.systemPackages = machines.client
machines.fourth.virtualisation.cores = machines.client.services
test("a", function() end)
