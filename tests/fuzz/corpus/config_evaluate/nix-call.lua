virtualisation.cores = mkForce 4
