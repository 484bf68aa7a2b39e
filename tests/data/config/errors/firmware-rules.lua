virtualisation.useSecureBoot = true
virtualisation.bios = "./bios.bin"
