for i = 1, 1e9 do print(("x"):rep(100000)) end
