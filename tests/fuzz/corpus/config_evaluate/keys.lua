environment.variables = { [1.5] = "x" }
environment.variables = { [true] = "x" }
environment.variables = { "a", b = "c" }
for k in pairs({ [{}] = 1 }) do end
