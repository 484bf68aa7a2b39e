virtualisation.usb.devices = {
	{ vendor = "09511", product = 0x16660 },
	{ bus = 2, port = "1..2" },
}
virtualisation.credentials["b/c"] = { text = "x" }
virtualisation.resolution = { x = 100 }
virtualisation.display = "window"
virtualisation.numa.nodes = 65
virtualisation.watchdog.timeout = 1
