-- lists append, the imported file's first; scalars need one winner
imports = { "./merge-part.inc", "profiles/qemu-guest" }
boot.kernelParams = { "own" }
boot.kernelParams = mkBefore({ "first" })
boot.kernelParams = mkAfter({ "last" })
boot.kernelParams = mkIf(false, { "never" })
boot.kernelParams = mkIf(true, mkMerge{ { "a" }, mkIf(ref "my.no", { "never" }), { "b" } })
options.my.no = mkOption{ type = types.bool, default = false, description = "x" }

virtualisation.cores = mkDefault(2)
virtualisation.memorySize = mkForce("3G")
virtualisation.memorySize = 512
virtualisation.diskSize = mkVMOverride(2048)
virtualisation.diskSize = mkForce(4096)
virtualisation.graphics = mkOverride(2000, true)
networking = mkIf(true, { hostName = mkDefault("weak") })

environment.etc.motd.text = "one"
environment.etc.motd.text = "two\n"
environment.etc = { motd = { text = mkAfter("three"), mode = "0600" } }
environment.variables = mkForce({ A = "kept" })
environment.variables.B = "dropped"

users.extraUsers.root.hashedPassword = ""
users.users.root = { description = mkDefault("x"), shell = "/bin/sh" }
users.users.root.description = "the boss"
users.groups.builders.members = { "paul" }
