networking = { hostName: "vm" }
