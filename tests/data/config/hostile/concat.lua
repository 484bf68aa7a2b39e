local s = table.concat({}, ("x"):rep(1e6), 1, 1e9)
