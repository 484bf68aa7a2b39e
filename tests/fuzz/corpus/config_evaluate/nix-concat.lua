boot.kernelParams = { "a" } ++ { "b" }
