users.users.paul = {
	isNormalUser = true,
	isSystemUser = true,
	uid = 1000,
	password = "a",
	hashedPassword = "$y$x",
}
users.users.anna.uid = 1000
users.groups.a.gid = 5
users.groups.b = { gid = 5 }
environment.etc.none = {}
environment.etc.both = {
	text = "x",
	source = "./y",
}
environment.etc["both/x"].text = "z"
