services.cron = { enable = false, systemCronJobs = { "@daily root true" } }
fileSystems["/data"] = { device = "/dev/vdb", fsType = "ext4" }
systemd.mounts = { { what = "/dev/vdc", where = "/data" } }
fileSystems["/tmp"] = { fsType = "tmpfs" }
boot.tmp.useTmpfs = true
networking.extraHosts = [[
192.0.2.1 a b.example # fine
# fine
garbage
192.0.2.2
192.0.2.3 a;b
fe80::1%eth0 c
]]
