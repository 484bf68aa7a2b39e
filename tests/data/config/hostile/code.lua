load("x = 1")
