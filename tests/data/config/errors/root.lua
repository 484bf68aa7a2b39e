imports = { "profiles/minimal" }
system.init = "systemd"
virtualisation.useBootLoader = true
i18n.defaultLocale = "xx_YY.UTF-8"
i18n.extraLocaleSettings.LC_TIME = "de_DE.UTF-8"
i18n.supportedLocales = { "C.UTF-8/UTF-8" }
security.pki.certificates = { "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" }
documentation.man.enable = true
documentation.doc.enable = false
disks.data = { size = "1G", fsType = "ext4", mountPoint = "/srv" }
programs.bash.enableCompletion = true
services.getty.autologinUser = "root"
virtualisation.graphics = true
services.xserver.enable = true
