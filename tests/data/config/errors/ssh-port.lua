services.openssh.settings = {
	port = 2022,
	ListenAddress = "127.0.0.1:2222",
}
