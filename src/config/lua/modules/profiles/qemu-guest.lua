-- A machine under QEMU: the modules of its virtual hardware.
boot.initrd.availableKernelModules = {
	"virtio_net", "virtio_pci", "virtio_blk", "virtio_scsi", "virtio_rng",
}
boot.initrd.kernelModules = { "virtio_balloon", "virtio_console" }
