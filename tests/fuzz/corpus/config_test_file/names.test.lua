machines["web-1"].virtualisation.cores = 2
machines.web_1.virtualisation.cores = 2
machines["a b"] = {}
machines.log = {}
machines.test = {}
machines["path"] = {}
machines["end"] = {}
machines["1st"] = {}
machines[3] = {}
client = 3
machines.client = {}
web_1 = 4
machine = 5
machines = "x"
machines = { "x" }
test("a", function() end)
