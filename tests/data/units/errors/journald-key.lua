services.journald.extraConfig = "SystemMaxUse=1M\nSystemMaxUsage=5"
