# a comment
networking.hostName = "vm"
