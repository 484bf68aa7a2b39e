imports = { "./import-self.lua", "./import-loop.inc" }
networking.hostName = "bad name"
