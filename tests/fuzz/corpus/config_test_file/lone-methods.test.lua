machine.virtualisation.cores = 2
machine:succeed("true")
machine.succeed("true")
test("a", function() end)
