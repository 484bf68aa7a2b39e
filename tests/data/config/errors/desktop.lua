services.xserver.enable = true
services.xserver.resolutions = { { x = 1024, y = 768 }, "axb", { x = 800 } }
services.xserver.videoDrivers = { "nvidia" }
services.xserver.defaultDepth = 31
services.xserver.xkb.layout = 'de"'
services.xserver.windowManager["a b"].enable = true
services.displayManager.autoLogin.user = "Paul"
