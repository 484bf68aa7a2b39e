test("a", function() end)
test("b", function() end)
test("a", function() end)
test = 3
