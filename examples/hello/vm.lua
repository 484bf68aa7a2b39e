-- The smallest machine worth looking at: Debian, systemd, one package more.
--
--   viv run examples/hello/vm.lua -- uname -a
--
networking.hostName = "hello"
environment.systemPackages = { "htop" }
