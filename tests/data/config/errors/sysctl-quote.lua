system.init = "runit"
boot.sysctl = { ["vm.swappiness"] = 7, ["kernel.printk"] = "4 4 1 7",
	["kernel.core_pattern"] = '|x "%p' }
