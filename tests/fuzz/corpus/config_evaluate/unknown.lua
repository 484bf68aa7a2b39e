networking.hostname = "x"
virtualization.cores = 2
users.users.paul = {
	isNormalUser = true,
	isNormaluser = true,
	uid = "x",
}
users.users.paul.shel = "/bin/sh"
foo = 3
environment.etc.motd = { txt = "x" }
boot.initrd.kernelModule.x = 1
virtualisation.qemu.bios.x = 1
