networking.hostName = "vm
