virtualisation.cores = 2
virtualisation.memorySize = 2048
virtualisation.cores = 4
virtualisation.memorySize = 2048
users.users.paul = {
	uid = 1000,
}
users.users.paul.uid = 1001
environment.etc.motd.text = "a"
environment.etc.motd.text = "b"
