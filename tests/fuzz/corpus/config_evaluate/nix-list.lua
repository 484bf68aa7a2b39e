networking.hostName = "vm"
environment.systemPackages = [ "htop" "tmux" ];
