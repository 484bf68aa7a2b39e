local t = {}
t.a, t.b = t, t
environment.variables = t
