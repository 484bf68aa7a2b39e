imports = { ./common.lua }
