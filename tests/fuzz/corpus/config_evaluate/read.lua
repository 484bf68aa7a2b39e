if virtualisation.graphics then
	print("never")
end
local x = virtualisation.cores == 4
environment.systemPackages = { htop, tmux }
environment.systemPackages = { networking }
networking.hostName = networking
local n = #networking
for k in pairs(users.users) do end
networking.hostName = "a" .. networking.hostName
local y = boot + 1
virtualisation.cores = nil
boot.kernelModules = { "a", nil, "b" }
mkforce(3)
lib.mkForce(3)
if nothing then end
users.users.paul.uid = users.users.paul.uid
environment.etc["a"].text = tostring(networking)
boot.kernelParams[1] = "x"
