virtualisation.usb.devices = {
	{ vendor = "0000", product = 0 },
	{ vendor = "09512", product = 0x10000 },
	{ vendor = "951g", product = "" },
	{ bus = 0, port = "1" },
	{ bus = 256, port = "0" },
	{ bus = 1, port = "1..2" },
	{ bus = 1, port = "1.256" },
	{ bus = 1, port = "1.2." },
	{ bus = 1, port = "1.2.3.4.5.6.7.8" },
	{ bus = 1, port = 0 },
	{ bus = "one", port = "01" },
	{ bus = 255, port = "1.255", vendor = "0x0951" },
}
