fileSystems["/"] = { device = "/dev/disk/by-label/root", fsType = "ext4" }
fileSystems["/a"] = { fsType = "ext4" }
fileSystems["/b"] = {
	device = "/dev/disk/by-label/b",
	fsType = "ext4",
	autoFormat = true,
}
fileSystems["/c"] = { device = "/dev/disk/by-id/virtio-c", fsType = "ntfs", autoFormat = true }
fileSystems["/d"] = { fsType = "tmpfs", options = { "size=10M" } }
fileSystems["/e"] = { device = "/srv", fsType = "none", options = { "bind" } }
fileSystems["/proc"] = { fsType = "tmpfs" }
fileSystems["/f"] = { device = "/dev/disk/by-id/virtio-f", autoFormat = true }
fileSystems["/g"] = { device = "", fsType = "ext4" }
virtualisation.rootDevice = "/dev/disk/by-partuuid/x"
virtualisation.writableStore = false
system.init = "none"
fileSystems["/n"] = { device = "server:/n", fsType = "nfs", options = { "nofail" } }
fileSystems["/o"] = { device = "server:/o", fsType = "nfs4", options = { "noauto" } }
