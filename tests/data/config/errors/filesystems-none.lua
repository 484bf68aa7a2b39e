system.init = "none"
fileSystems["/a"] = { device = "/dev/disk/by-id/virtio-a" }
fileSystems["/b"] = { device = "/dev/disk/by-id/virtio-b", fsType = "iso9660" }
fileSystems["/c"] = { device = "/srv", options = { "bind" } }
