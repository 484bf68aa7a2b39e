local s = ("a"):rep(100)
s:find((".-"):rep(40) .. "b")
