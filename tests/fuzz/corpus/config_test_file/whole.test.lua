local fs = matrix("fs", { "ext4", "xfs", { name = "own", options = { "a" } } })
local size = param("size", 4)
machines["*"].options.my.port = mkOption { type = types.int, default = 80 }
machines["*"].virtualisation.cores = size
nodes["web-1"] = { imports = { "profiles/minimal" }, my = { port = mkForce(3) } }
machines.client.environment.etc.x.text = function(config) return tostring(config.my.port) end
mkIf(ref "virtualisation.graphics", function() machines.client.my.port = 5 end)
function helper(m) m.virtualisation.memorySize = 600 end
helper(machines.client)
counter = 0
test("a", { timeout = "5m", expect = "oops", skip = "why" }, function() helper(client) end)
function test() counter = counter + 1 end
