local t = setmetatable({}, {})
local m = {}
m.__index = function(x, k) return x[k .. "a"] end
setmetatable(t, m)
local x = t.a
