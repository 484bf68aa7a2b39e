virtualisation.useEFIBoot = true
virtualisation.useBIOSBoot = true
virtualisation.bios = "./bios.bin"
virtualisation.useSecureBoot = true
virtualisation.directBoot.enable = false
