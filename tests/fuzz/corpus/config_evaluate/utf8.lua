networking.hostName = "\xff\xfe"
environment.variables.A = "a\0b"
virtualisation.cores = 0/0
virtualisation.memorySize = math.huge
environment.etc["a\0b"] = { text = "x" }
