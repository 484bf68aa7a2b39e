options.my.path = mkOption{ type = types.path }
options.my.src = mkOption{ type = types.source }
my.path = fetchGit "./tree"
my.src = "tree"
environment.etc.x.source = "tree"
virtualisation.diskImage = path("./vm.qcow2")
networking.hostName = path("./vm")
