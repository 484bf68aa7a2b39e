-- The smallest test of a whole machine: it starts, runs one command, shows its screen, and powers off.
--
--   viv test examples/tests/boot.lua
--
machine.imports = { "profiles/minimal" }
machine.virtualisation.memorySize = 256
machine.virtualisation.textScreen = true -- for the picture: text of 80x25, on the small kernel

test("boot", function()
	machine:start()
	machine:succeed("uname -a")
	machine:screenshot("postboot")
	machine:shutdown()
end)
