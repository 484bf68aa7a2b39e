environment.systemPackages = with pkgs; [ htop ];
