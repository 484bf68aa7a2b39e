machines["web-1"].services.nginx.enable = true
machines.client = {}
web_1:wait_for_unit("nginx.service")
client.succeed("true")
machines.client:succeed("true")
local m = machines["web-1"]
m:fail("false")
start_all()
for name in pairs(machines) do
  print(name)
end
local all = { client }
test("a", function()
  client:succeed("this is never run here")
end)
