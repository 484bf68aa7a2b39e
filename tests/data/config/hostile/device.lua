imports = { "/dev/zero" }
