virtualisation.usb.devices = {
	{ vendor = "0951", product = 0x1666 },
	{ bus = 2 },
	{ vendor = "0951", product = "1666", port = "1" },
}
virtualisation.cores = 4
virtualisation.threads = 3
virtualisation.credentials.a = {}
virtualisation.credentials.d = { text = "x", source = "./x" }
