virtualisation.cores = "four"
virtualisation.cores =
	513
virtualisation.memorySize = "4 gigs"
virtualisation.memorySize = 8
virtualisation.accel = "hvf"
virtualisation.graphics = "true"
networking.hostName = "-bad"
boot.kernelParams = { "quiet", 3, "two words" }
boot.kernelParams = "quiet"
environment.systemPackages = { x = "htop" }
environment.systemPackages = { "Htop" }
environment.variables = { "EDITOR" }
time.timeZone = "../etc/passwd"
system.init = "upstart"
packages.mirrors = { "ftp://deb.example.org" }
virtualisation.diskImage = 3
boot.kernel = pkgs.linux
