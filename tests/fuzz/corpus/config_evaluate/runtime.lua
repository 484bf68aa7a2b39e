networking.hostName = 3
local t = nil
t.x = 1
networking.hostName = 4
