boot.kernel.sysctl = { ["vm.swappiness"] = 7 }
boot.kernel.sysctl["vm.swappiness"] = 7
