virtualisation.emptyDiskImages = { 0, "8X", { size = "999999999G" }, { size = 8, interface = "sata" } }
virtualisation.qemu.drives = { "./x.qcow2", { file = "./x", format = "vmdk" }, { name = "a b" } }
virtualisation.qemu.diskInterface = "floppy"
