disks.a = { size = 0, table = "apm", fsType = "ntfs" }
disks["a b"] = { size = 1 }
disks.b = { size = 10, partitions = { { fsType = "zfs", label = "with blank", name = "-x" } } }
disks.c = { size = 10, interface = "floppy", device = "vdb" }
raid.r.level = 5
lvm.pool.volumes["a/b"].size = 1
