boot.kernelParams = { "a", nil }
boot.kernelParams = {
	"a",
	nil,
}
boot.kernelModules = { nil }
users.users.paul = { uid = nil, home = "/home/paul" }
local function three(a, b) return 3 end
virtualisation.cores = three(nil, { "nil" })
local x = { f = function() return nil end, (nil or 3) }
environment.variables = { A = "{ nil }" } -- { nil }
