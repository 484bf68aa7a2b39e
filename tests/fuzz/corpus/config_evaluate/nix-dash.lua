programs.command-not-found.enable = false
