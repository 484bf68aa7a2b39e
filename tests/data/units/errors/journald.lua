services.journald.storage = "volatile"
services.journald.extraConfig = "SystemMaxUse=1M\n[Service]"
