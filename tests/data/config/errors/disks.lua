virtualisation.emptyDiskImages = {
	64,
	{ size = "4G", serial = "scratch" },
	{ serial = "x" },
	{ size = 4, serial = "a-serial-that-nobody-can-read" },
	{ size = 4, serial = "viv-disk" },
}
virtualisation.qemu.drives = { { name = "scratch", file = "./x.qcow2" } }
virtualisation.qemu.drives = {
	{ file = "./y", interface = "ide", readOnly = true },
	{ name = "nofile" },
}
