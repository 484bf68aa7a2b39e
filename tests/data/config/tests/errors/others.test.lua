local addresses = { { address = "192.168.1.9", prefixLength = 24 } }
machines.router.networking.interfaces.eth1.ipv4.addresses = addresses
machines.client.networking.defaultGateway = function()
	return machines.router.networking.interfaces.eth1.ipv4.addresses[1].address
end
machines.second.networking.defaultGateway = machines.router.networking.primaryIPAddress
machines.third.networking.defaultGateway = function(config, nodes)
	return nodes.router.config.networking.primaryIPAddress
end
machines.fourth.networking.defaultGateway = function()
	return machines.fourth.networking.interfaces.eth1.ipv4.addresses[1].address
end
machines.fifth.networking.defaultGateway = function() return addresses[1].address end
test("a", function() end)
