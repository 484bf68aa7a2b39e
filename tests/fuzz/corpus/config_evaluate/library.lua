string.format = nil
pkgs = 3
local x = pcall(error)
