services.xserver = {
	enable = true,
	defaultDepth = 12,
	resolutions = {
		{ x = 1024, y = 768 },
		{ x = 800 },
		{ x = 1366, y = 768 },
	},
	monitorSection = [[
HorizSync 30-140
EndSection]],
	windowManager = {
		icewm = { enable = true },
		off = { enable = false },
		twm = { enable = true },
	},
}
services.displayManager.autoLogin.user = "paul"
