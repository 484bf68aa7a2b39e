networking.hostName = function(config) while true do end end
virtualisation.cores = 0
