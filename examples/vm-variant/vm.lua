-- One file for a server and for the machine that it is tried out in.
--
--   viv run examples/vm-variant/vm.lua -- findmnt /srv
--

networking.hostName = "archive"
environment.systemPackages = { "rsync" }

-- The hardware: what its installer wrote down.
boot.loader.grub.device = "/dev/sda"
fileSystems["/"] = { device = "/dev/disk/by-uuid/6a1f3e0c-8f0b-4b0e-9d39-3f1d5a2c7e11", fsType = "ext4" }
fileSystems["/srv"] = { device = "/dev/disk/by-uuid/0f8b0c9d-52d1-4a44-a7f6-1de2f3c0b955", fsType = "xfs" }
swapDevices = { { device = "/dev/disk/by-uuid/c3b7a5de-1f62-44d8-8f0f-b8a1c1a3e7d4" } }

-- The virtual machine: its root is viv's own. Where virtualisation.fileSystems has anything, that alone is
-- mounted; what else is different there is said again, with mkVMOverride.
virtualisation.fileSystems["/srv"] = { device = "/dev/disk/by-id/virtio-srv", fsType = "xfs", autoFormat = true }
virtualisation.emptyDiskImages = { { size = "512M", serial = "srv" } }
swapDevices = mkVMOverride({})
networking.hostName = mkVMOverride("archive-vm")
