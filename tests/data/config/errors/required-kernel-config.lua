system.requiredKernelConfig = { isYes "VIRTIO_BLK", isModule "FOO BAR" }
